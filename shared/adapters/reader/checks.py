"""Check files against a data contract in a reader process. The end of a process that dies is part of the report."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shared.adapters.hub_files.records import count_lines
from shared.adapters.reader.files import TableFile
from shared.adapters.reader.pool import Readers, readers
from shared.adapters.reader.process import ReaderDied
from shared.codec import decode
from shared.domain.data.data_check import CheckReport, judge_data
from shared.domain.data.data_contract import DataContract
from shared.domain.data.data_measures import Breach, Example, Measurements
from shared.domain.data.reference_profile import ReferenceProfile
from shared.domain.inference.runs import RowMatch

_DEATHS = 3  # Files of one check that may end a reader, before those after them are left unread.


def check_files(
    files: Sequence[TableFile],
    contract: DataContract,
    reference: ReferenceProfile | None = None,
    pool: Readers | None = None,
    home: Path | None = None,
) -> CheckReport:
    """The report on *files*. Content never makes it raise; it raises what opening or reading a file raises.

    *home* is the contract's folder: a contract with rules of the project's own needs it. Raises ValueError without.
    """
    measurements = measure_files(files, contract, reference, pool)
    if contract.rules:
        if home is None:
            raise ValueError("a contract with rules of its own is checked in its folder")
        from shared.adapters.reader.project_rules import with_own_rules  # Few contracts have rules of their own.

        measurements = with_own_rules(measurements, files, contract, home, pool)
    return judge_data(measurements, contract, reference)


def measure_files(
    files: Sequence[TableFile],
    contract: DataContract,
    reference: ReferenceProfile | None = None,
    pool: Readers | None = None,
) -> Measurements:
    """What reading *files* showed. A file that ended its reader has a finding `readable`; the others are read."""
    pool, remaining, unread = pool or readers(), list(files), list[Example]()
    while len(unread) < _DEATHS:
        try:
            message, _ = pool.ask("measure", remaining, contract, reference)
            return _with(decode(Measurements, message["end"]), unread)
        except ReaderDied as death:
            guilty = next((file for file in remaining if file.name == death.file), remaining[0] if remaining else None)
            unread.append(Example(file=guilty.name if guilty else "", row=0, value=death.reason))
            remaining = [file for file in remaining if file is not guilty]
    reason = f"it was not read, since {_DEATHS} files before it ended their reader"
    unread += [Example(file=file.name, row=0, value=reason) for file in remaining]
    return _with(Measurements(rows_per_file={}), unread)


def measure_each(
    files: Sequence[TableFile], contract: DataContract, pool: Readers | None = None
) -> tuple[Measurements, ...]:
    """What reading each of *files* by itself showed; a file that ended its reader has a finding `readable`."""
    measurements = list[Measurements]()
    while len(measurements) < len(files):
        try:
            for message, _ in (pool or readers()).stream("measure_each", files[len(measurements) :], contract):
                if message.get("part") is not None:
                    measurements.append(decode(Measurements, message["part"]))
        except ReaderDied as death:
            name = files[len(measurements)].name
            measurements.append(_with(Measurements(rows_per_file={}), [Example(file=name, row=0, value=death.reason)]))
    return tuple(measurements)


def match_files(
    inputs: Sequence[TableFile], outputs: Sequence[TableFile], contract: DataContract, pool: Readers | None = None
) -> RowMatch:
    """How the records of *outputs* answer the rows of *inputs*; if the reader dies, the app counts lines itself."""
    if not inputs:
        contract = replace(contract, keys=())
    try:
        message, _ = (pool or readers()).ask("match_rows", [*inputs, *outputs], len(inputs), contract)
        return decode(RowMatch, message["end"])
    except ReaderDied:
        return RowMatch(records={file.name: count_lines(file) for file in outputs})


def _with(measurements: Measurements, unread: Sequence[Example]) -> Measurements:
    if not unread:
        return measurements
    rows = dict(measurements.rows_per_file) | {example.file: 0 for example in unread}
    unreadable = [breach for breach in measurements.breaches if breach.rule == "readable"]
    examples = (*unread, *(example for breach in unreadable for example in breach.examples))[:10]
    count = len(unread) + sum(breach.count for breach in unreadable)
    other_breaches = [breach for breach in measurements.breaches if breach.rule != "readable"]
    readable = Breach(rule="readable", column="", count=count, examples=examples)
    return replace(measurements, rows_per_file=rows, breaches=(readable, *other_breaches))
