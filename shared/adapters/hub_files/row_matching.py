"""Match the records that a scoring script wrote with the rows it was given, by the contract's keys.

Batch output has no header, so the fields that repeat the keys are found: those whose values in the first records are
keys of the data. Both sides are kept as 16 bytes a row and compared sorted; it runs in a reader process.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shared.adapters.hub_files.records import (
    DELIMITERS,
    Form,
    NoRecords,
    count_lines,
    csv_records,
    first_records,
    json_records,
    key_rows,
)
from shared.adapters.reader.files import TableFile
from shared.domain.data.data_contract import DataContract
from shared.domain.data.key_texts import DIGEST_BYTES, key_digest, key_texts, row_texts
from shared.domain.inference.runs import RowMatch

_SAMPLE = 1000
_MOST_FIELDS, _MOST_CHOICES = 64, 64
_SHARE = 2 / 3  # Of the first records have distinct keys of the data: classes, counts and scores of many rows have not.
_SLICES = 8
_EXAMPLES = 3
_DIGEST = np.dtype([("high", "<u8"), ("low", "<u8")])

Texts = Sequence[Callable[[Any], str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """The output's first records in one *form*, and the *fields* (names, or places from 0) that may be each key."""

    form: Form
    records: Sequence[Any]
    fields: Sequence[Sequence[Any]]
    named: bool

    def texts(self, number: int, text: Callable[[Any], str]) -> set[str]:
        """Every value that may be the key *number*."""
        return {text(_field(record, at)) for record in self.records for at in self.fields[number]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """Where the records show the keys."""

    form: Form
    fields: tuple[Any, ...]


def match_rows(inputs: Sequence[TableFile], outputs: Sequence[TableFile], contract: DataContract) -> RowMatch:
    """How the records of *outputs* answer the rows of *inputs*; where no key is shown, records are only counted."""
    textual = any(column.type == "string" for column in contract.columns if column.name in contract.keys)
    matches = list[RowMatch]()
    for loosely in ((False, True) if textual else (False,)) if contract.keys else ():
        try:
            match = _matched(inputs, outputs, contract, key_texts(contract, loosely=loosely))
        except NoRecords:
            break
        matches += [match] if match is not None else []
        if match is not None and not match.differs:
            return match
    return matches[0] if matches else _counted(outputs)


def _counted(outputs: Sequence[TableFile]) -> RowMatch:
    """Records where the files are CSV with spaces, as data frames are written, and else lines."""
    records = {}
    for file in outputs:
        try:
            records[file.name] = sum(1 for _ in csv_records(file, " "))
        except NoRecords:
            records[file.name] = count_lines(file)
    return RowMatch(records=records)


def _matched(
    inputs: Sequence[TableFile], outputs: Sequence[TableFile], contract: DataContract, texts: Texts
) -> RowMatch | None:
    """None where the output shows no key. Raises NoRecords."""
    samples = _samples(outputs, contract.keys)
    if not samples:
        return None
    candidates = [set[str]().union(*(sample.texts(n, text) for sample in samples)) for n, text in enumerate(texts)]
    rows, seen = _digests(inputs, contract, texts, candidates)
    shown = _shown(samples, texts, rows, seen)
    if shown is None:
        return None
    records, counts = _answers(outputs, shown, texts)
    groups = _compare(rows, records)
    examples = {
        "missing": _examples(_input_keys(inputs, contract, texts), groups["missing"]),
        "repeated": _examples(_output_keys(outputs, shown, texts), groups["repeated"]),
        "unknown": _examples(_output_keys(outputs, shown, texts), groups["unknown"]),
    }
    places = [at if isinstance(at, str) else f"field {at + 1}" for at in shown.fields]
    return RowMatch(
        records=counts,
        by=contract.keys,
        shown_by=() if shown.form.header or shown.form.json_lines else tuple(places),
        rows=len(rows),
        missing=int(groups["missing"]["count"].sum()),
        repeated=int(groups["repeated"]["count"].sum()),
        unknown=int(groups["unknown"]["count"].sum()),
        examples=examples,
    )


def _samples(outputs: Sequence[TableFile], keys: Sequence[str]) -> list[_Sample]:
    """The first file's first records in every form that it may have."""
    samples = []
    for form in (Form(json_lines=True), *(Form(delimiter=delimiter) for delimiter in DELIMITERS)):
        records = next((found for file in outputs if (found := first_records(file, form, _SAMPLE))), [])
        if not records:
            continue
        if form.json_lines:
            named = all(key in record for record in records for key in keys)
            return [_Sample(form=form, records=records, fields=[[key] for key in keys], named=True)] if named else []
        header = tuple(records[0])
        if set(keys) <= set(header) and len(records) > 1:
            fields: list[list[Any]] = [[header.index(key)] for key in keys]
            form = Form(delimiter=form.delimiter, header=header)
            return [_Sample(form=form, records=records[1:], fields=fields, named=True)]
        places = list(range(min(_MOST_FIELDS, max(map(len, records)))))
        samples.append(_Sample(form=form, records=records, fields=[places for _ in keys], named=False))
    return samples


def _shown(samples: Sequence[_Sample], texts: Texts, rows: Any, seen: Sequence[set[str]]) -> _Shown | None:
    """The fields whose values are distinct keys of the data in most of the first records."""
    best: tuple[int, _Shown] | None = None
    known = np.sort(rows["high"])
    for sample in samples:
        fitting = [_fitting(sample, number, text, seen[number]) for number, text in enumerate(texts)]
        for fields in itertools.islice(itertools.product(*fitting), _MOST_CHOICES):
            shown = _Shown(form=sample.form, fields=fields)
            if sample.named:
                return shown
            digests = {key_digest(_texts(record, fields, texts)) for record in sample.records}
            high = np.frombuffer(b"".join(digests), _DIGEST)["high"]
            places = np.minimum(np.searchsorted(known, high), max(len(known) - 1, 0))
            score = int((known[places] == high).sum()) if len(known) else 0
            if score >= _SHARE * len(sample.records) and (best is None or score > best[0]):
                best = (score, shown)
    return best[1] if best else None


def _fitting(sample: _Sample, number: int, text: Callable[[Any], str], seen: set[str]) -> list[Any]:
    """The fields whose values are mostly values of the key *number*."""
    if sample.named:
        return list(sample.fields[number])
    least = _SHARE * len(sample.records)
    return [
        at
        for at in sample.fields[number]
        if sum(text(_field(record, at)) in seen for record in sample.records) >= least
    ]


def _digests(
    inputs: Sequence[TableFile], contract: DataContract, texts: Texts, candidates: Sequence[set[str]]
) -> tuple[Any, list[set[str]]]:
    """The digest of every row's keys, and which of the *candidates* are values of each key."""
    digests, seen = bytearray(), [set[str]() for _ in texts]
    numbered = list(enumerate(candidates))
    for values in _input_keys(inputs, contract, texts):
        digests += key_digest(values)
        for number, known in numbered:
            if values[number] in known:
                seen[number].add(values[number])
    return np.frombuffer(digests, _DIGEST), seen


def _answers(outputs: Sequence[TableFile], shown: _Shown, texts: Texts) -> tuple[Any, dict[str, int]]:
    """The digest of every record's keys, and the number of records by file."""
    digests, counts = bytearray(), dict[str, int]()
    for file in outputs:
        before = len(digests)
        for values in _output_keys([file], shown, texts):
            digests += key_digest(values)
        counts[file.name] = (len(digests) - before) // DIGEST_BYTES
    return np.frombuffer(digests, _DIGEST), counts


def _input_keys(inputs: Sequence[TableFile], contract: DataContract, texts: Texts) -> Iterator[tuple[str, ...]]:
    rows = itertools.chain.from_iterable(key_rows(file, contract) for file in inputs)
    return map(row_texts(texts), rows)


def _output_keys(outputs: Sequence[TableFile], shown: _Shown, texts: Texts) -> Iterator[tuple[str, ...]]:
    rows = itertools.chain.from_iterable(_shown_rows(file, shown) for file in outputs)
    return map(row_texts(texts), rows)


def _shown_rows(file: TableFile, shown: _Shown) -> Iterator[Sequence[Any]]:
    fields = shown.fields
    if shown.form.json_lines:
        for record in json_records(file):
            yield [record.get(name) for name in fields]
        return
    records = csv_records(file, shown.form.delimiter)
    if shown.form.header:
        next(records, None)
    for cells in records:
        try:
            yield [cells[at] for at in fields]
        except IndexError:
            yield [_field(cells, at) for at in fields]


def _texts(record: Any, fields: Sequence[Any], texts: Texts) -> tuple[str, ...]:
    return tuple(text(_field(record, at)) for text, at in zip(texts, fields, strict=True))


def _field(record: Any, at: Any) -> Any:
    if isinstance(record, dict):
        return record.get(at)
    return record[at] if at < len(record) else None


def _compare(rows: Any, records: Any) -> dict[str, Any]:
    """The digests that are missing, repeated or unknown among *records*, and how often. A slice at a time is sorted."""
    kinds: dict[str, list[Any]] = {"missing": [], "repeated": [], "unknown": []}
    for number in range(_SLICES):
        sides = [each[each["low"] % np.uint64(_SLICES) == number] for each in (rows, records)]
        both = np.concatenate(sides)
        if not len(both):
            continue
        order = np.lexsort((both["low"], both["high"]))
        ordered, of_records = both[order], order >= len(sides[0])
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        answered = np.add.reduceat(of_records.astype(np.int64), starts)
        asked = np.diff(np.append(starts, len(ordered))) - answered
        apart = answered - asked
        keep = {"missing": apart < 0, "repeated": (apart > 0) & (asked > 0), "unknown": asked == 0}
        for kind, places in keep.items():
            part = np.empty(int(places.sum()), np.dtype([("digest", _DIGEST), ("count", "<i8")]))
            part["digest"], part["count"] = ordered[starts][places], np.abs(apart[places])
            kinds[kind].append(part)
    empty = np.empty(0, np.dtype([("digest", _DIGEST), ("count", "<i8")]))
    return {kind: np.concatenate([empty, *parts]) for kind, parts in kinds.items()}


def _examples(keys: Iterator[tuple[str, ...]], group: Any) -> tuple[str, ...]:
    """The first keys that are of the *group*, as they are met."""
    if not len(group):
        return ()
    wanted, examples = {digest.tobytes() for digest in group["digest"][:1000]}, list[str]()
    for values in keys:
        digest = key_digest(values)
        if digest in wanted:
            wanted.discard(digest)
            examples.append(", ".join(values)[:80])
            if len(examples) == _EXAMPLES or not wanted:
                break
    return tuple(examples)
