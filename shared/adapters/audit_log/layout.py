"""Where the blobs of the audit log lie.

Entries, keys and subjects keep the paths that they had before the log was signed.
"""

from functools import lru_cache

from shared.domain.identity import digest

ENTRIES, KEYS, SUBJECTS = "audit/entries/", "audit/keys/", "audit/subjects/"
HEADS, TILES = "audit/heads/", "audit/tiles/"
# Written by releases before the log was signed; read once, when such a log is adopted.
FORMER_HEAD = "audit/head.json"
# The largest number of twelve digits: names of one length sort as text as their numbers do.
_MOST = 999_999_999_999


def entry_path(number: int) -> str:
    return f"{ENTRIES}{number:012d}.json"


def entry_number(path: str) -> int | None:
    """The number of the entry that *path*, which anybody may have written, names; None where it names none."""
    number = _number(path.removeprefix(ENTRIES).removesuffix(".json"))
    return number if number is not None and entry_path(number) == path else None


@lru_cache(maxsize=1024)  # A reader of a model's history asks it of each entry.
def subject_folder(subject: str) -> str:
    """One folder for all versions of a model. Names are digested, since paths allow fewer characters."""
    return f"{SUBJECTS}{digest(subject.partition(':')[0], length=40)}/"


def subject_path(subject: str, number: int) -> str:
    return f"{subject_folder(subject)}{number:012d}"


def filed_number(path: str) -> int | None:
    """The number of the entry that *path*, in the folder of a model, files there; None where it files none."""
    return _number(path.rpartition("/")[2])


def key_path(key: str) -> str:
    return f"{KEYS}{digest(key, length=40)}.json"


def head_path(size: int) -> str:
    """Blobs are listed in the order of their names, so a larger size has a smaller one: the newest head comes first."""
    return f"{HEADS}{_MOST - size:012d}.json"


def size_of(path: str) -> int | None:
    """The size of the head at *path*; None where no head has such a path."""
    name = path.removeprefix(HEADS).removesuffix(".json")
    size = _MOST - int(name) if name.isascii() and name.isdigit() else None
    return size if size is not None and head_path(size) == path else None


def tile_path(level: int, index: int, width: int) -> str:
    return f"{TILES}{level}/{index:09d}.{width:03d}"


def _number(text: str) -> int | None:
    return int(text) if len(text) == 12 and text.isascii() and text.isdigit() else None
