"""What a folder must be to become a data set, how versions are named, and what one content is."""

import pytest

from shared.domain.datasets.contents import DatasetFile, content_digest, folder_problem, is_data
from shared.domain.datasets.references import DatasetReference, read_reference
from shared.domain.datasets.rules import DatasetKind
from shared.domain.identity import dataset_snapshot, publication_id


@pytest.mark.parametrize(
    ("kind", "sizes", "problem"),
    [
        (DatasetKind.TABLE, {"a.csv": 1, "b/c.CSV": 2}, ""),
        (DatasetKind.TABLE, {"a.parquet": 1}, ""),
        (DatasetKind.TABLE, {}, "has no files"),
        (DatasetKind.TABLE, {"a.csv": 1, "b.parquet": 1}, "mixes .csv, .parquet"),
        (DatasetKind.TABLE, {"a.csv": 1, "readme.md": 1}, "has readme.md, which is no table"),
        (DatasetKind.TABLE, {"a.csv": 0}, "has an empty file: a.csv"),
        (DatasetKind.TABLE, {"_temporary/0/a.csv": 1}, "is still being written"),
        (DatasetKind.TABLE, {f"{n}.csv": 1 for n in range(2001)}, "has more than 2000 files"),
        (DatasetKind.TABLE, {"a.csv": 21 * 1024**3}, "publish at most"),
        (DatasetKind.BOXES, {"labels.json": 1, "a.png": 1}, ""),
        (DatasetKind.BOXES, {"a.png": 1}, "has 0 annotation files"),
        (DatasetKind.BOXES, {"a.json": 1, "b.jsonl": 1}, "has 2 annotation files"),
    ],
)
def test_a_folder_is_a_data_set_or_a_sentence_says_why_not(
    kind: DatasetKind, sizes: dict[str, int], problem: str
) -> None:
    said = folder_problem(kind, sizes)

    assert problem in said
    assert bool(problem) == bool(said)


def test_marks_of_other_tools_are_left_out_and_unfinished_writes_are_not() -> None:
    paths = ["_SUCCESS", ".part.crc", "_committed_1", "a.csv", "_temporary/0/a.csv", "x/_started"]

    assert [path for path in paths if is_data(path)] == ["a.csv", "_temporary/0/a.csv"]


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("churn@3", DatasetReference(name="churn", version="3")),
        ("churn@2026-11-30/rows/a.csv", DatasetReference(name="churn", version="2026-11-30", file="rows/a.csv")),
        ("evaluation/churn.csv", None),
        ("evaluation/a@b.csv", None),
        ("Churn@3", None),
        ("churn@", None),
        ("churn@latest ", None),
    ],
)
def test_a_reference_is_told_from_a_path(text: str, reference: DatasetReference | None) -> None:
    assert read_reference(text) == reference
    assert reference is None or str(reference) == text


def test_one_content_has_one_digest_wherever_it_was_made() -> None:
    files = [DatasetFile(path=path, bytes=1, sha256=path * 3) for path in ("a", "b")]

    assert content_digest(files) == content_digest(reversed(files))
    assert content_digest(files) != content_digest(files[:1])


def test_the_same_folder_is_the_same_publication_and_a_changed_file_another() -> None:
    listing = [("a.csv", "0x1"), ("b.csv", "0x2")]
    snapshots = {dataset_snapshot(listing), dataset_snapshot(listing[::-1]), dataset_snapshot([("a.csv", "0x3")])}

    assert len(snapshots) == 2
    ids = {publication_id("d" * 63, version, snapshot, 12) for version in ("1", "2") for snapshot in snapshots}
    assert len(ids) == 4
    assert max(map(len, ids)) <= 100
