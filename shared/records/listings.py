"""One small blob for each run and promotion with what lists show of it, so that a list looks at nothing else.

Its metadata are the row; the record itself stays where it is, and is what counts.
"""

from collections.abc import Iterator, Mapping

from shared.domain.failures import Transient
from shared.ports import DataHub

RUNS, PROMOTIONS = "listed/runs/", "listed/promotions/"


def keep_listed(hub: DataHub, container: str, kind: str, name: str, row: Mapping[str, str]) -> None:
    """What is said of *name* from now on, *row*; what was said before and is not in it stays."""
    path = f"{kind}{name}"
    if hub.create(container, path, b"", row):
        return
    blob = hub.find(container, path)
    if blob is None:
        raise Transient(f"{container}/{path} was removed while it was written")
    row_after = {**blob.metadata, **row}
    if row_after != dict(blob.metadata) and not hub.replace(container, path, b"", blob.etag, row_after):
        raise Transient(f"{container}/{path} changed while it was written")


def listed(hub: DataHub, container: str, kind: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The name and the row of everything of *kind*, by name."""
    for blob in hub.list(container, kind):
        yield blob.path.removeprefix(kind), blob.metadata
