"""The files that train a model, as they lie in the hub, and their rows one by one: no file is ever in memory whole."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from activities.row_places import row_place
from shared import contracts as c
from shared.clients import Clients
from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.paths.patterns import fixed_prefix
from shared.domain.retraining.rules import Retraining, TrainingKind, TrainingRoute
from shared.domain.retraining.sets import Row
from shared.ports import Blob


@dataclass(slots=True, kw_only=True)
class TrainingFile:
    """A file of the set: what it was when it was read; its rows are those of a table, or the boxes of images."""

    blob: Blob
    sha256: str = ""
    rows: int = 0
    header: tuple[str, ...] = field(default=())

    @property
    def place(self) -> str:
        """CONTAINER/PATH, as messages name the file."""
        return f"{self.blob.container}/{self.blob.path}"


def waiting_files(clients: Clients, route: TrainingRoute) -> list[Blob]:
    """Everything that *route* takes, by path."""
    container, _, pattern = route.take.partition("/")
    blobs = clients.hub.list(container, fixed_prefix(pattern))
    return sorted((blob for blob in blobs if route.takes(f"{container}/{blob.path}")), key=lambda blob: blob.path)


def named_files(clients: Clients, request: c.RetrainingRun, route: TrainingRoute) -> list[Blob]:
    """What people named: a file, or a folder that ends with a slash. Refused where there is nothing."""
    files = []
    for place in request.data:
        container, _, path = place.partition("/")
        suffix = ".csv" if route.kind is TrainingKind.TABULAR else ".jsonl"
        blobs = [
            blob
            for blob in clients.hub.list(container, path)
            if blob.path == path or (path.endswith("/") and blob.path.endswith(suffix))
        ]
        if not blobs:
            raise Refused(f"the named data {place} has no {suffix} file; name a file, or a folder that ends with /")
        files += blobs
    return files


def takes_named(rules: Retraining, route: TrainingRoute) -> bool:
    """Named data belongs to the model's first training route."""
    return bool(rules.data) and rules.data[0].name == route.name


def rows_of(clients: Clients, route: TrainingRoute, member: TrainingFile, held_out: Sequence[str]) -> Iterator[Row]:
    """Every row, with its values of the columns *held_out*; afterwards *member* has its digest, rows and header."""
    digest = hashlib.sha256()
    read = _boxes if route.kind is TrainingKind.BOXES else _table
    yield from read(clients, route, member, held_out, digest.update)
    member.sha256 = digest.hexdigest()


def header_line(columns: Sequence[str]) -> str:
    return _csv_line(columns) if columns else ""


def _table(
    clients: Clients,
    route: TrainingRoute,
    member: TrainingFile,
    held_out: Sequence[str],
    update: Callable[[bytes], object],
) -> Iterator[Row]:
    """The columns of every file in the order of their names, so that one order of columns is not another set."""
    reader = clients.row_files.cells(member.blob, update)
    header = next(reader, [])
    missing = [column for column in route.key if column not in header]
    untold = [column for column in held_out if column not in header]
    if missing or len(set(header)) < len(header):
        raise Refused(
            f"{member.place} lacks the key columns {', '.join(missing)}"
            if missing
            else f"{member.place} repeats a column"
        )
    if untold:
        reason = f"lacks {', '.join(untold)}, which tells the rows and groups of the hold-out"
        raise Refused(f"{member.place} {reason}: add it, so that none of them is trained on")
    # Files of one set may order their columns differently. In one order their rows compare, and the version does not
    # change.
    member.header = tuple(sorted(header))
    order = [header.index(column) for column in member.header]
    for fields in reader:
        if not fields:
            continue
        if len(fields) != len(header):
            place = row_place(clients.row_files, member.blob, member.rows + 1)
            raise Refused(f"{member.place}: {place} has {counted(len(fields), 'field')}, the header has {len(header)}")
        member.rows += 1
        values = dict(zip(header, fields, strict=True))
        key, apart = (tuple(values[column] for column in columns) for columns in (route.key, held_out))
        yield Row(key=key, line=_csv_line([fields[at] for at in order]), held_out=apart)


def _boxes(
    clients: Clients,
    route: TrainingRoute,
    member: TrainingFile,
    held_out: Sequence[str],
    update: Callable[[bytes], object],
) -> Iterator[Row]:
    wrong, fields, keys = list[str](), (*route.key, *held_out), len(route.key)
    for image in clients.row_files.images(member.blob, sorted(route.labels), fields, update):
        if image.wrong:
            wrong.append(image.wrong)
            continue
        member.rows += image.given
        key, apart = tuple(image.values[:keys]), tuple(image.values[keys:])
        yield Row(key=key, line=image.line, held_out=apart, labels=image.labels, given=image.given)
    if wrong:
        raise Refused(f"{member.place} has {len(wrong)} wrong labels: {'; '.join(wrong[:5])}")


def _csv_line(fields: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(fields)
    return buffer.getvalue()
