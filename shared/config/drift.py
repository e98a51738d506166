"""`models.NAME.drift`: what is watched, what counts as drift, and what follows."""

from pathlib import Path
from typing import Any

import yaml

from shared.config.reader import Reader
from shared.domain.drift.reference import PLACE
from shared.domain.drift.rule import DriftRule
from shared.domain.drift.watch import DriftWatch, Labels, OutputField
from shared.domain.inference.routes import Route

FIELDS = (
    "routes",
    "every",
    "window",
    "alpha",
    "effect",
    "minimum_rows",
    "power",
    "score_must_move",
    "output",
    "labels",
    "retrain",
    "tell",
    "sources",
    "coefficient",
)
EACH_RUN = "run"


def read_watches(reader: Reader, routes: tuple[Route, ...]) -> tuple[DriftWatch, ...]:
    """The `drift` section of every model that has one."""
    models: Any = reader.raw("models")
    named = {name: raw for name, raw in models.items() if isinstance(raw, dict)} if isinstance(models, dict) else {}
    section = reader.inside("models") if named else reader
    wanted = [name for name, raw in named.items() if raw.get("drift") is not None]
    found = tuple(_watch(section.inside(name).inside("drift"), name, routes) for name in wanted)
    _refuse_shared_sources(section, found)
    for watch in found:
        _warn_without_reference(section.inside(watch.model), watch, routes)
    return found


def _watch(one: Reader, model: str, routes: tuple[Route, ...]) -> DriftWatch:
    one.known(FIELDS)
    window = one.inside("window")
    window.known(("rows", "longest"))
    plain = DriftWatch(model=model)
    every = one.raw("every")
    read = DriftWatch(
        model=model,
        rule=_rule(one),
        routes=_routes(one, model, routes),
        every_s=0 if every in (None, EACH_RUN) else one.seconds("every", 86400, least=60),
        rows=window.whole("rows", 1, 10**9) or plain.rows,
        longest_s=window.seconds("longest", plain.longest_s),
        output=_output(one),
        labels=_labels(one),
        retrain=one.flag("retrain", True),
        tell=one.texts("tell"),
        sources=one.texts("sources"),
        coefficient=_share(one, "coefficient", 0.0),
    )
    if read.rows < read.rule.minimum_rows:
        window.fail("rows", f"is {read.rows}, below minimum_rows", f"use at least {read.rule.minimum_rows}")
    return read


def _rule(one: Reader) -> DriftRule:
    plain = DriftRule()
    return DriftRule(
        alpha=_share(one, "alpha", plain.alpha, open_ended=True),
        effect=_share(one, "effect", plain.effect, open_ended=True),
        minimum_rows=one.whole("minimum_rows", 20, 10**9) or plain.minimum_rows,
        power=_share(one, "power", plain.power, open_ended=True),
        score_must_move=one.flag("score_must_move", plain.score_must_move),
    )


def _share(one: Reader, name: str, default: float, *, open_ended: bool = False) -> float:
    """From 0 to 1; with *open_ended* neither of the two."""
    value = one.number(name, default)
    if value > 1 or (open_ended and not 0 < value < 1):
        one.fail(name, f"is {value:g}", "use a number between 0 and 1, like " + f"{default or 0.3:g}")
        return default
    return value


def _routes(one: Reader, model: str, routes: tuple[Route, ...]) -> tuple[str, ...]:
    scoring = [route.name for route in routes if route.score.model == model]
    named = one.texts("routes")
    for name in named:
        if name not in scoring:
            known = ", ".join(scoring) or "none does"
            one.fail("routes", f"names {name!r}", f"use routes that score {model}: {known}")
    return named


def _output(one: Reader) -> OutputField | None:
    if not one.has("output"):
        return None
    section = one.inside("output")
    section.known(("name", "field", "delimiter"))
    delimiter = section.text("delimiter") if section.has("delimiter") and section.raw("delimiter") != " " else " "
    if len(delimiter.encode()) != 1:
        section.fail("delimiter", f"is {delimiter!r}", "use one ASCII character")
        delimiter = " "
    return OutputField(name=section.text("name"), field=section.whole("field", 1, 1000) or -1, delimiter=delimiter)


def _labels(one: Reader) -> Labels | None:
    if not one.has("labels"):
        return None
    section = one.inside("labels")
    section.known(("path", "target"))
    path = section.text("path")
    if path and not all(path.partition("/")[::2]):
        section.fail("path", f"is {path!r}", "write CONTAINER/PATH of the file, or of the folder the files lie in")
    return Labels(path=path, target=section.text("target"))


def _warn_without_reference(one: Reader, watch: DriftWatch, routes: tuple[Route, ...]) -> None:
    """Say of each contract that names no profile that its model's versions must bring one: else nothing is compared."""
    scoring = [route for route in routes if route.score.model == watch.model]
    watched = [route.contract for route in scoring if not watch.routes or route.name in watch.routes]
    for contract in dict.fromkeys(watched):
        if contract and not _names_reference(one.home / contract):
            problem = f"watches the model, and {contract} names no reference profile"
            remedy = f"bring {PLACE} in the bundle of every version, or write one with `signalbox profile`"
            one.fail("drift", problem, remedy, level="warning")


def _names_reference(contract: Path) -> bool:
    """Also where the contract cannot be read: that is said elsewhere."""
    try:
        content = yaml.safe_load(contract.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return True
    return not isinstance(content, dict) or isinstance(content.get("distribution"), dict)


def _refuse_shared_sources(section: Reader, found: tuple[DriftWatch, ...]) -> None:
    """One event is about one model."""
    seen: dict[str, str] = {}
    for watch in found:
        for source in watch.sources:
            first = seen.setdefault(source.lower(), watch.model)
            if first != watch.model:
                one = section.inside(watch.model).inside("drift")
                one.fail("sources", f"names {source!r}, as {first} does", "let every monitor and alert mean one model")
