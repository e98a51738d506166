"""Where the rows of the lists and their indexes lie in the state container; alone, since a route names its lists."""

# The kinds of lists, and where rows lie.
RUNS, PROMOTIONS, IMPORTS = "listed/runs/", "listed/promotions/", "listed/imports/"


def index_folder(kind: str) -> str:
    """The folder of what changes of the index of *kind*, such as `listed/runs/`."""
    return f"index/{kind.removeprefix('listed/')}"


def manifest(kind: str) -> str:
    """Which segments the index of *kind* has."""
    return f"{index_folder(kind)}manifest.json"


def journal(kind: str) -> str:
    """The log of the rows of *kind* that have changed since the segments were written."""
    return f"{index_folder(kind)}journal.jsonl"


def segments(kind: str) -> str:
    """The folder of the segments of the index of *kind*: rows in the order of time, never changed."""
    return f"index-segments/{kind.removeprefix('listed/')}"


def segment(kind: str, digest: str) -> str:
    return f"{segments(kind)}{digest}.json"
