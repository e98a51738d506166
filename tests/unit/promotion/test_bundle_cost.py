"""What a plan reads of a bundle: many files at a time, and no more than may be promoted."""

import threading
from collections.abc import Iterator

import pytest

from shared.application.promotion.planning import read_bundle, shelves_at
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import ModelVersion
from shared.ports import Shelf, StoredFile

DEV = Workspace(name="dev", subscription="s", resource_group="g", workspace="w")
SHELVES = shelves_at(DEV, ModelVersion(name="m", version="1"), "model", "extras")


class SlowStore:
    """Answers a digest once as many are asked for as may be at a time."""

    def __init__(self, files: int, at_once: int) -> None:
        self._files, self._gate = files, threading.Barrier(at_once)

    def files(self, shelf: Shelf) -> Iterator[StoredFile]:
        if shelf == SHELVES[0]:
            yield from (StoredFile(path=f"{number:05d}", size=1, sha256="") for number in range(self._files))

    def digest(self, shelf: Shelf, path: str) -> str:
        self._gate.wait(timeout=30)
        return f"{int(path):064x}"


def test_sixteen_files_are_hashed_at_a_time_and_stand_in_order():
    bundle = read_bundle(SlowStore(64, 16), *SHELVES)

    assert [file.path for file in bundle.files] == [f"{number:05d}" for number in range(64)]
    assert [int(file.sha256, 16) for file in bundle.files] == list(range(64))


def test_a_bundle_of_too_many_files_is_refused_before_one_is_read():
    with pytest.raises(Refused, match="the bundle of m:1 has 10001 files; put them into archives, 10000 at most"):
        read_bundle(SlowStore(10_001, 16), *SHELVES)
