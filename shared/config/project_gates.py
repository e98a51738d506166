"""A project's own gates as the ladder names them: the file is read and looked at, and nothing of it is run.

What such a gate returns only shows when it is asked; a test of the project can ask it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace

from shared.config.findings import FileFinding
from shared.config.project_functions import named_problem, place_problem, source_problems
from shared.config.reading import FilePlace, nearest
from shared.domain.gates import GATES, GateSpec
from shared.domain.gates.evidence import Evidence
from shared.domain.project_functions import digest_of, file_of, metric_function

_PARTS = tuple(part.name for part in fields(Evidence))
_ALWAYS_THERE = "at"
_ARGUMENTS, _OF_METRICS = ("evidence", "options"), ("truth", "predictions")


def with_sources(specs: Iterable[GateSpec], place: FilePlace) -> tuple[GateSpec, ...]:
    """*specs*, the project's own with the digests of their files; what is wrong with these is reported at *place*."""
    gates = tuple(specs)
    measured = {GATES[spec.gate].part for spec in gates if spec.gate in GATES} | {_ALWAYS_THERE}
    return tuple(_with_source(spec, place, measured) if file_of(spec.gate) else spec for spec in gates)


def with_metric_source(spec: GateSpec, place: FilePlace, field: str) -> GateSpec:
    """*spec*, with the digest of its file where the *field* of its options names a metric of the project."""
    metric = str(spec.options.get("metric", "")) if spec.gate in GATES else ""
    if not metric_function(metric):
        return spec
    located = place.located(field, metric)
    source = source_of(metric_function(located), place, field, "metric", _OF_METRICS)
    return replace(spec, options={**spec.options, "metric": located}, source=source)


def _with_source(spec: GateSpec, place: FilePlace, measured: set[str]) -> GateSpec:
    _refuse_unmeasured(spec.options, place.inside(spec.gate), measured)
    located = place.located(spec.gate, spec.gate)
    return replace(spec, gate=located, source=source_of(located, place, spec.gate, "gate", _ARGUMENTS))


def source_of(name: str, place: FilePlace, field: str, kind: str, arguments: Sequence[str]) -> str:
    """The digest of the file of the project's own function *name*, which is named in *field* of *place*.

    The file of *name* is a path from the configuration's folder.
    What is wrong with the file is reported; the digest is empty where there is none.
    """
    path = file_of(name)
    if wrong_place := place_problem(place.report.home, path, "configuration"):
        place.fail(field, *wrong_place)
        return ""
    source = (place.report.home / path).read_bytes()
    for line, problem, remedy in source_problems(source, name.rpartition(":")[2], kind, arguments):
        if not line:
            place.fail_exactly(field, named_problem(path, problem), remedy)
            continue
        finding = FileFinding(line=line, field=name, problem=problem, remedy=remedy, file=path)
        if finding not in place.report.findings:  # Several stages may have the same function.
            place.report.findings.append(finding)
    return digest_of(source)


def _refuse_unmeasured(options: Mapping[str, object], place: FilePlace, measured: set[str]) -> None:
    needs = options.get("needs", ())
    for part in needs if isinstance(needs, list | tuple) else ():
        if part not in _PARTS:
            place.fail("needs", f"names {part!r}, which is no part of the evidence", nearest(str(part), _PARTS))
        elif part not in measured:
            gates = [gate.name for gate in GATES.values() if gate.part == part]
            remedy = f"add one of {', '.join(gates)} beside it" if gates else "remove it"
            place.fail("needs", f"names {part!r}, which no gate here has measured", remedy)
