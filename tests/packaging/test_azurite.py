"""Azurite outside a checkout: installed once, at its first use, as the lock says; or named with what helps."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from signalbox.launcher.storage import azurite
from signalbox.launcher.storage.azurite import AzuriteMissing, find_azurite

PROJECT = Path(__file__).parents[2]
SCRIPT = "node_modules/azurite/dist/src/blob/main.js"


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the wheel carries, with an empty cache."""
    folder = tmp_path / "azurite"
    folder.mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PROJECT / name, folder)
    monkeypatch.setattr(azurite, "azurite_lock", lambda: folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def put_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """An npm that does what *script* says; the real one would need a network."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    npm = bin_folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")


def test_a_checkout_uses_what_its_set_up_has_installed() -> None:
    assert find_azurite(lambda *_: None) == PROJECT / SCRIPT


def test_it_is_installed_once_and_says_so(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_npm(tmp_path, monkeypatch, f'echo "$*" >>{tmp_path}/diary; mkdir -p $(dirname {SCRIPT}); touch {SCRIPT}')
    lines: list[tuple[str, str]] = []

    scripts = {find_azurite(lambda *line: lines.append(line)) for _ in range(2)}

    (script,) = scripts
    assert script.is_file()
    assert script.is_relative_to(tmp_path / "cache" / "signalbox")
    assert (tmp_path / "diary").read_text() == "ci --omit=dev --no-progress\n"
    assert [part for part, _ in lines] == ["azurite"]
    assert "once" in lines[0][1]


def test_a_slow_installation_shows_that_it_lives_and_ends_with_its_limit(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azurite, "_SIGN_OF_LIFE_S", 0.05)
    monkeypatch.setattr(azurite, "_PATIENCE_S", 0.2)
    put_npm(tmp_path, monkeypatch, "exec sleep 60")
    lines: list[str] = []

    with pytest.raises(AzuriteMissing, match="has not installed Azurite within"):
        find_azurite(lambda _, line: lines.append(line))

    assert len(lines) > 2
    assert "npm is at work for" in lines[1]
    assert list((tmp_path / "cache" / "signalbox").iterdir()) == []


def test_two_starts_at_once_leave_one_whole_copy(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_npm(tmp_path, monkeypatch, f"sleep 0.3; mkdir -p $(dirname {SCRIPT}); touch {SCRIPT}")
    program = (
        "from pathlib import Path; from signalbox.launcher.storage import azurite;"
        f"azurite.azurite_lock = lambda: Path({str(lock)!r}); print(azurite.find_azurite(lambda *_: None))"
    )
    command = [sys.executable, "-c", program]
    with ThreadPoolExecutor() as threads:
        starts = [threads.submit(subprocess.run, command, capture_output=True, text=True, check=True) for _ in range(2)]
    scripts = {start.result().stdout.strip() for start in starts}

    assert len(scripts) == 1
    assert [path.name for path in (tmp_path / "cache" / "signalbox").iterdir()] == [Path(scripts.pop()).parents[5].name]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [("echo 'npm error code ENOTFOUND' >&2; exit 1", "npm error code ENOTFOUND); see that `npm ping`")],
)
def test_a_failed_installation_leaves_nothing_and_names_what_helps(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, sentence: str
) -> None:
    put_npm(tmp_path, monkeypatch, script)

    with pytest.raises(AzuriteMissing) as refusal:
        find_azurite(lambda *_: None)

    assert sentence in str(refusal.value)
    assert list((tmp_path / "cache" / "signalbox").iterdir()) == []


@pytest.mark.parametrize("programs", [(), ("node",)])
def test_without_node_or_npm_the_remedy_is_named(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: tuple[str, ...]
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in programs:
        (folder / program).symlink_to(shutil.which(program) or program)
    monkeypatch.setenv("PATH", str(folder))

    with pytest.raises(AzuriteMissing, match=r"not on the PATH; install Node\.js 20 or newer"):
        find_azurite(lambda *_: None)
