"""Data contracts and their reference profiles, read as strictly as the configuration that names them.

`shared.config.contract_file` has the fields of a contract. This module has the files, the lines, and what two
files say together.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from shared.config.contract_file import ContractSection, contract_of
from shared.config.document import Document, read_document
from shared.config.findings import ConfigurationError, FileFinding
from shared.config.project_functions import is_file, named_problem, place_problem, source_problems
from shared.config.reading import ContractFile, FilePlace, Report, read_file
from shared.domain.data.data_contract import DataContract
from shared.domain.data.reference_profile import ProfileError, ReferenceProfile, parse_profile, unfit_columns

_OPENING = "start with `format:` and `columns:`"
_LONGEST_PROFILE = 16 * 1024 * 1024  # Bytes; a thousand columns with a thousand breakpoints each.
_REFERENCE = "distribution.reference"
_OF_COLUMN = re.compile(r"columns\[(?P<number>[0-9]+)\]\.(?P<field>.+)", re.DOTALL)


def named_contract(place: FilePlace, path: str, field: str = "contract") -> str:
    """*path* in *field*, from the configuration's folder, after the data contract there is read.

    It is read, and its findings are reported, once however many sections name it.
    """
    report, located = place.report, place.located(field, path)
    if path.startswith("/") or ".." in PurePosixPath(path).parts:
        place.fail(field, f"is {path!r}, outside the configuration's folder", "name a file in or below it")
    elif path and not is_file(report.home / located):
        place.fail(field, f"is {path!r}, which is not a file", "name a data contract beside the configuration")
    elif path and located not in report.contracts:
        file = report.contracts[located] = read_contract(report.home, located)
        report.findings.extend(file.findings)
    return located


def read_contract(home: Path, path: str) -> ContractFile:
    """The contract at *path* below the folder *home*, with its reference profile."""
    file, document = _read_rules(home, path)
    if file.contract is None or document is None:
        return file
    reference, unfit = _reference(home, path, file.contract)
    unfit = (*unfit, *_unfit_rules(home, path, file.contract, document))
    own = [replace(finding, line=document.line(finding.field)) for finding in unfit if not finding.file]
    findings = (*file.findings, *_placed(own, path), *(finding for finding in unfit if finding.file))
    return replace(file, contract=None if findings else file.contract, reference=reference, findings=findings)


def read_rules(home: Path, path: str) -> ContractFile:
    """The contract at *path* below *home* alone; its reference profile may be wrong, or not be there yet."""
    file, _ = _read_rules(home, path)
    return replace(file, contract=None) if file.findings else file


def _read_rules(home: Path, path: str) -> tuple[ContractFile, Document | None]:
    document, findings = read_document(home / path, _OPENING)
    if document is None:
        return ContractFile(path=path, findings=_placed(findings, path)), None
    contract, faults = contract_in(document)
    refused_fields = {finding.field for finding in findings}  # What was refused as YAML reads as left out.
    findings = (*findings, *(fault for fault in faults if fault.field not in refused_fields))
    return ContractFile(path=path, contract=contract, findings=_placed(findings, path)), document


def contract_in(document: Document) -> tuple[DataContract | None, tuple[FileFinding, ...]]:
    """The contract in *document*, incomplete where there are findings, and None where too little can be used."""
    report = Report(document=document, home=Path())
    section = read_file(ContractSection, report)
    contract = None if section is None else contract_of(section, FilePlace(report))
    return contract, tuple(_with_column(finding, document) for finding in report.findings)


def _with_column(finding: FileFinding, document: Document) -> FileFinding:
    """*finding* with the name of the column that its field belongs to: people know columns by name, not by number."""
    match = _OF_COLUMN.match(finding.field)
    if not match or match["field"] == "name":
        return finding
    column = document.content["columns"][int(match["number"])]
    name = column.get("name") if isinstance(column, dict) else None
    about = f"of column {name} " if isinstance(name, str) and name else ""
    return replace(finding, problem=f"{about}{finding.problem}")


def load_contract(home: Path, path: str) -> tuple[DataContract, ReferenceProfile | None]:
    """The contract at *path* below *home*, and its profile. Raises ConfigurationError with everything wrong in them."""
    file = read_contract(home, path)
    if file.contract is None:
        raise ConfigurationError(path, file.findings)
    return file.contract, file.reference


def _reference(
    home: Path, path: str, contract: DataContract
) -> tuple[ReferenceProfile | None, tuple[FileFinding, ...]]:
    """The profile beside the contract, and findings: those without a file are about the contract's own fields."""
    rule = contract.distribution
    if rule is None:
        return None, ()
    if rule.reference.startswith("/") or ".." in PurePosixPath(rule.reference).parts:
        outside = f"is {rule.reference!r}, outside the contract's folder"
        return None, (_finding(_REFERENCE, outside, "name a file in or below it"),)
    place = str(PurePosixPath(path).parent / rule.reference)
    if not is_file(home / place):
        remedy = "make it with `signalbox profile`, or mend its name"
        return None, (_finding(_REFERENCE, f"is {rule.reference!r}, which is not a file", remedy),)
    try:
        profile = parse_profile(_read_json(home / place))
    except (ProfileError, OSError, ValueError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        return None, (_finding("file", f"is no reference profile ({reason[:200]})", "make it again", place),)
    unfit = (
        *(
            _finding(f"distribution.columns[{at}]", f"is {name!r}, which the profile does not have", "make it again")
            for at, name in enumerate(rule.columns)
            if name not in profile.columns
        ),
        *(
            _finding(f"columns.{name}", problem, "make the profile again from data of this contract", place)
            for name, problem in unfit_columns(profile, contract)
            if not rule.columns or name in rule.columns
        ),
    )
    return profile, unfit


def _unfit_rules(home: Path, path: str, contract: DataContract, document: Document) -> Iterator[FileFinding]:
    """What is wrong with the files of the contract's own rules; findings without a file are about its own fields."""
    folder = PurePosixPath(path).parent
    for at, rule in enumerate(contract.rules):
        function = rule.function
        if not function.file:
            continue  # The field has a finding already.
        if wrong_place := place_problem(home / folder, function.file, "contract"):
            yield _finding(f"rules[{at}].function", *wrong_place)
            continue
        source = (home / folder / function.file).read_bytes()
        for line, problem, remedy in source_problems(source, function.function, "rule", ("row", "options")):
            if not line:
                about = named_problem(function.file, problem)
                yield document.exact_finding(f"rules[{at}].function", about, remedy)
                continue
            place = str(folder / function.file)
            yield FileFinding(line=line, field=function.name, problem=problem, remedy=remedy, file=place)


def _read_json(path: Path) -> Any:
    with path.open("rb") as stream:
        data = stream.read(_LONGEST_PROFILE + 1)
    if len(data) > _LONGEST_PROFILE:
        raise ProfileError(f"it has more than {_LONGEST_PROFILE} bytes")
    return json.loads(data, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ProfileError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return content


def _refuse_constant(name: str) -> Any:
    raise ProfileError(f"it holds {name}, which is not JSON")


def _placed(findings: Any, path: str) -> tuple[FileFinding, ...]:
    return tuple(replace(finding, file=path) for finding in findings)


def _finding(field: str, problem: str, remedy: str, file: str = "") -> FileFinding:
    return FileFinding(line=0, field=field, problem=problem, remedy=remedy, file=file)
