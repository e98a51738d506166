"""What a data set consists of: which files of a folder belong to it, what they hold, and the digest of all of it."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from shared.domain.data.data_contract import Format
from shared.domain.datasets.rules import DatasetKind

MOST_FILES = 2000
MOST_BYTES = 20 * 1024**3  # Hashed within the ten minutes that a function call may last.
_TABLES: Mapping[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
_ANNOTATIONS = (".json", ".jsonl")
_UNFINISHED = ("_temporary", "_delta_log")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFile:
    """A file of a data set: its *path* in the folder, and what it holds."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetColumn:
    """A column of a table: the narrowest *type* that all its values have, and how many rows have none."""

    name: str
    type: str
    missing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What reading the files of a table showed; *problems* say why they are no table."""

    rows: int = 0
    columns: tuple[DatasetColumn, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxFacts:
    """How many *images* an annotation file has, and how many boxes each label; *problems* are the first of its faults,
    of which it has *wrong*.
    """

    images: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    wrong: int = 0


def folder_problem(kind: DatasetKind, sizes: Mapping[str, int]) -> str:
    """Why the files of a folder, by their paths in it, are no data set of *kind*; empty where they may be one."""
    if not sizes:
        return "has no files"
    if len(sizes) > MOST_FILES:
        return f"has more than {MOST_FILES} files; join them, or publish an archive's parts as versions"
    if sum(sizes.values()) > MOST_BYTES:
        return f"has {sum(sizes.values())} bytes; publish at most {MOST_BYTES}"
    if unfinished := next((path for path in sizes if set(path.split("/")) & set(_UNFINISHED)), ""):
        return f"is still being written, or is no plain folder: {unfinished}"
    if empty := next((path for path, size in sizes.items() if not size), ""):
        return f"has an empty file: {empty}; publish when it is written"
    suffixes = {suffix_of(path) for path in sizes}
    if kind is DatasetKind.TABLE:
        strange = next((path for path in sizes if suffix_of(path) not in _TABLES), "")
        if strange:
            return f"has {strange}, which is no table; keep .csv, .jsonl or .parquet files alone there"
        return f"mixes {', '.join(sorted(suffixes))}; publish one format" if len(suffixes) > 1 else ""
    number = sum(suffix_of(path) in _ANNOTATIONS for path in sizes)
    return f"has {number} annotation files; one .json (COCO) or .jsonl is needed" if number != 1 else ""


def is_data(path: str) -> bool:
    """Whether the file at *path* of a folder belongs to the set: marks of other tools, as `_SUCCESS`, do not."""
    name = path.rpartition("/")[2]
    return not name.startswith((".", "_")) or bool(set(path.split("/")) & set(_UNFINISHED))


def format_of(path: str) -> Format:
    """The format of the table at *path*, which `folder_problem` accepts. Raises KeyError for another file."""
    return _TABLES[suffix_of(path)]


def annotations_in(paths: Iterable[str]) -> str:
    """The annotation file among *paths*, of which `folder_problem` says that there is one."""
    return next(path for path in paths if suffix_of(path) in _ANNOTATIONS)


def missing_images(images: Iterable[str], paths: Collection[str]) -> tuple[str, ...]:
    """Images that are neither among *paths* nor addresses; none where the folder has annotations alone.

    Where some of the images lie in the folder, all must: the others were forgotten, or are still being copied.
    """
    known = {path for path in paths if suffix_of(path) not in _ANNOTATIONS}
    return tuple(name for name in images if "://" not in name and name not in known) if known else ()


def suffix_of(path: str) -> str:
    name = path.rpartition("/")[2]
    return f".{name.rpartition('.')[2].lower()}" if "." in name else ""


def content_digest(files: Iterable[DatasetFile]) -> str:
    """The name of a content: the same files at the same paths have the same."""
    lines = sorted((file.path, file.sha256) for file in files)
    return f"sha256:{hashlib.sha256(json.dumps(lines).encode()).hexdigest()}"
