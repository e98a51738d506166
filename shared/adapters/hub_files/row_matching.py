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
    by_name: bool

    def texts(self, number: int, text: Callable[[Any], str]) -> set[str]:
        """Every value that may be the key *number*."""
        return {text(_field(record, at)) for record in self.records for at in self.fields[number]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeyFields:
    """The fields of the records that hold the keys."""

    form: Form
    fields: tuple[Any, ...]


def match_rows(inputs: Sequence[TableFile], outputs: Sequence[TableFile], contract: DataContract) -> RowMatch:
    """How the records of *outputs* answer the rows of *inputs*; where no key is shown, records are only counted."""
    textual = any(column.type == "string" for column in contract.columns if column.name in contract.keys)
    matches = list[RowMatch]()
    for loosely in ((False, True) if textual else (False,)) if contract.keys else ():
        try:
            match = _match_by_keys(inputs, outputs, contract, key_texts(contract, loosely=loosely))
        except NoRecords:
            break
        matches += [match] if match is not None else []
        if match is not None and not match.differs:
            return match
    return matches[0] if matches else _count(outputs)


def _count(outputs: Sequence[TableFile]) -> RowMatch:
    """Records where the files are CSV with spaces, as data frames are written, and else lines."""
    records = {}
    for file in outputs:
        try:
            records[file.name] = sum(1 for _ in csv_records(file, " "))
        except NoRecords:
            records[file.name] = count_lines(file)
    return RowMatch(records=records)


def _match_by_keys(
    inputs: Sequence[TableFile], outputs: Sequence[TableFile], contract: DataContract, texts: Texts
) -> RowMatch | None:
    """None where the output shows no key. Raises NoRecords."""
    samples = _samples(outputs, contract.keys)
    if not samples:
        return None
    candidates = [set[str]().union(*(sample.texts(n, text) for sample in samples)) for n, text in enumerate(texts)]
    rows, key_values = _digests(inputs, contract, texts, candidates)
    key_fields = _choose_fields(samples, texts, rows, key_values)
    if key_fields is None:
        return None
    records, counts = _answers(outputs, key_fields, texts)
    groups = _compare(rows, records)
    examples = {
        "missing": _examples(_input_keys(inputs, contract, texts), groups["missing"]),
        "repeated": _examples(_output_keys(outputs, key_fields, texts), groups["repeated"]),
        "unknown": _examples(_output_keys(outputs, key_fields, texts), groups["unknown"]),
    }
    field_names = [at if isinstance(at, str) else f"field {at + 1}" for at in key_fields.fields]
    return RowMatch(
        records=counts,
        by=contract.keys,
        shown_by=() if key_fields.form.header or key_fields.form.json_lines else tuple(field_names),
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
        records = next((first for file in outputs if (first := first_records(file, form, _SAMPLE))), [])
        if not records:
            continue
        if form.json_lines:
            has_keys = all(key in record for record in records for key in keys)
            return (
                [_Sample(form=form, records=records, fields=[[key] for key in keys], by_name=True)] if has_keys else []
            )
        header = tuple(records[0])
        if set(keys) <= set(header) and len(records) > 1:
            fields: list[list[Any]] = [[header.index(key)] for key in keys]
            form = Form(delimiter=form.delimiter, header=header)
            return [_Sample(form=form, records=records[1:], fields=fields, by_name=True)]
        positions = list(range(min(_MOST_FIELDS, max(map(len, records)))))
        samples.append(_Sample(form=form, records=records, fields=[positions for _ in keys], by_name=False))
    return samples


def _choose_fields(
    samples: Sequence[_Sample], texts: Texts, rows: Any, key_values: Sequence[set[str]]
) -> _KeyFields | None:
    """The fields whose values are distinct keys of the data in most of the first records."""
    best: tuple[int, _KeyFields] | None = None
    # Half of each digest is enough to choose fields by a score over a thousand records. The comparison itself takes all
    # 16 bytes.
    sorted_digests = np.sort(rows["high"])
    for sample in samples:
        fitting = [_fitting(sample, number, text, key_values[number]) for number, text in enumerate(texts)]
        for fields in itertools.islice(itertools.product(*fitting), _MOST_CHOICES):
            choice = _KeyFields(form=sample.form, fields=fields)
            if sample.by_name:
                return choice
            digests = {key_digest(_texts(record, fields, texts)) for record in sample.records}
            high = np.frombuffer(b"".join(digests), _DIGEST)["high"]
            positions = np.minimum(np.searchsorted(sorted_digests, high), max(len(sorted_digests) - 1, 0))
            score = int((sorted_digests[positions] == high).sum()) if len(sorted_digests) else 0
            if score >= _SHARE * len(sample.records) and (best is None or score > best[0]):
                best = (score, choice)
    return best[1] if best else None


def _fitting(sample: _Sample, number: int, text: Callable[[Any], str], key_values: set[str]) -> list[Any]:
    """The fields whose values are mostly values of the key *number*."""
    if sample.by_name:
        return list(sample.fields[number])
    least = _SHARE * len(sample.records)
    return [
        at
        for at in sample.fields[number]
        if sum(text(_field(record, at)) in key_values for record in sample.records) >= least
    ]


def _digests(
    inputs: Sequence[TableFile], contract: DataContract, texts: Texts, candidates: Sequence[set[str]]
) -> tuple[Any, list[set[str]]]:
    """The digest of every row's keys, and which of the *candidates* are values of each key."""
    digests, key_values = bytearray(), [set[str]() for _ in texts]
    numbered_candidates = list(enumerate(candidates))
    for values in _input_keys(inputs, contract, texts):
        digests += key_digest(values)
        for number, candidate_values in numbered_candidates:
            if values[number] in candidate_values:
                key_values[number].add(values[number])
    return np.frombuffer(digests, _DIGEST), key_values


def _answers(outputs: Sequence[TableFile], key_fields: _KeyFields, texts: Texts) -> tuple[Any, dict[str, int]]:
    """The digest of every record's keys, and the number of records by file."""
    digests, counts = bytearray(), dict[str, int]()
    for file in outputs:
        before = len(digests)
        for values in _output_keys([file], key_fields, texts):
            digests += key_digest(values)
        counts[file.name] = (len(digests) - before) // DIGEST_BYTES
    return np.frombuffer(digests, _DIGEST), counts


def _input_keys(inputs: Sequence[TableFile], contract: DataContract, texts: Texts) -> Iterator[tuple[str, ...]]:
    rows = itertools.chain.from_iterable(key_rows(file, contract) for file in inputs)
    return map(row_texts(texts), rows)


def _output_keys(outputs: Sequence[TableFile], key_fields: _KeyFields, texts: Texts) -> Iterator[tuple[str, ...]]:
    rows = itertools.chain.from_iterable(_shown_rows(file, key_fields) for file in outputs)
    return map(row_texts(texts), rows)


def _shown_rows(file: TableFile, key_fields: _KeyFields) -> Iterator[Sequence[Any]]:
    fields = key_fields.fields
    if key_fields.form.json_lines:
        for record in json_records(file):
            yield [record.get(name) for name in fields]
        return
    records = csv_records(file, key_fields.form.delimiter)
    if key_fields.form.header:
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
        # By the digest itself, which is uniform: the slices are about equal, and both sides of a key are in the same
        # one.
        sides = [side[side["low"] % np.uint64(_SLICES) == number] for side in (rows, records)]
        digests = np.concatenate(sides)
        if not len(digests):
            continue
        order = np.lexsort((digests["low"], digests["high"]))
        sorted_digests, of_records = digests[order], order >= len(sides[0])
        starts = np.flatnonzero(np.concatenate([[True], sorted_digests[1:] != sorted_digests[:-1]]))
        answers = np.add.reduceat(of_records.astype(np.int64), starts)
        questions = np.diff(np.append(starts, len(sorted_digests))) - answers
        surplus = answers - questions
        keep = {"missing": surplus < 0, "repeated": (surplus > 0) & (questions > 0), "unknown": questions == 0}
        for kind, mask in keep.items():
            part = np.empty(int(mask.sum()), np.dtype([("digest", _DIGEST), ("count", "<i8")]))
            part["digest"], part["count"] = sorted_digests[starts][mask], np.abs(surplus[mask])
            kinds[kind].append(part)
    empty = np.empty(0, np.dtype([("digest", _DIGEST), ("count", "<i8")]))
    return {kind: np.concatenate([empty, *parts]) for kind, parts in kinds.items()}


def _examples(keys: Iterator[tuple[str, ...]], group: Any) -> tuple[str, ...]:
    """The first keys that belong to *group*, in the order of the file."""
    if not len(group):
        return ()
    digests, examples = {digest.tobytes() for digest in group["digest"][:1000]}, list[str]()
    for values in keys:
        digest = key_digest(values)
        if digest in digests:
            digests.discard(digest)
            examples.append(", ".join(values)[:80])
            if len(examples) == _EXAMPLES or not digests:
                break
    return tuple(examples)
