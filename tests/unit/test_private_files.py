"""Local state is for its owner alone, however open the umask is."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalbox.emulators.authority import ensure_authority
from signalbox.host.state_folder.keys import load_keys
from signalbox.private_files import private_folder, write_private


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_was_open_is_closed_before_anything_is_written(tmp_path: Path) -> None:
    folder, file = tmp_path / "state", tmp_path / "state" / "keys.json"
    folder.mkdir(mode=0o777)
    file.write_text("an older and longer text")
    file.chmod(0o666)

    write_private(private_folder(folder) / "keys.json", "short")

    assert (mode(folder), mode(file), file.read_text()) == (0o700, 0o600, "short")


def test_keys_and_certificates_are_closed(tmp_path: Path) -> None:
    authority = ensure_authority(tmp_path)
    load_keys(tmp_path)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {authority.key, authority.cert, authority.ca} <= set(files)
    assert {mode(path) for path in files} == {0o600}
    assert mode(authority.key.parent) == 0o700
