"""What was measured of a version when it was promoted: its signed evidence packs, read for comparing two versions.

Nothing is decided here, and nothing is measured: a figure that no pack has is missing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from shared.application.promotion.standing import pack_of
from shared.application.promotion.stored_plans import unverified_opening
from shared.domain.promotion.plans import Phase
from shared.domain.trust.statements import PredicateKind
from shared.ports import Ledger
from shared.records import paths
from shared.records.statements import Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSlice:
    """The value of *metric* on the rows of one slice of the hold-out."""

    slice: str
    metric: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredDifference:
    """*better* is how much the version did better than the champion in *metric*, with its interval at *confidence*;
    *slice* is empty for all rows."""

    metric: str
    slice: str
    better: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEvidence:
    """What is known of *model*: its newest measured *values* on the hold-out *holdout*, of *rows* rows, by *promotion*.

    *lineage* and *files* (by path, the SHA-256 of each) are of its newest pack. *champion* is what it was compared with
    in *differences*. Everything is empty where the version was never promoted.
    """

    model: str
    promotion: str = ""
    measured: str = ""
    bundle: str = ""
    holdout: str = ""
    rows: int = 0
    values: dict[str, float] = field(default_factory=dict)
    latency_p95_ms: float | None = None
    slices: tuple[MeasuredSlice, ...] = ()
    champion: str = ""
    differences: tuple[MeasuredDifference, ...] = ()
    lineage: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def evidence_of(statements: Statements, ledger: Ledger, model: str, promotions: Iterable[str]) -> VersionEvidence:
    """What the packs of *promotions*, the newest first, say of *model*. Raises ForgedError."""
    packs = list(_packs(statements, ledger, promotions))
    if not packs:
        return VersionEvidence(model=model)
    newest = packs[0]
    measured = [(pack, evidence) for pack in packs for evidence in _evidence(pack)]
    evaluated = next(((pack, evidence) for pack, evidence in measured if evidence.get("evaluation")), None)
    latency = next((evidence["latency"] for _, evidence in measured if evidence.get("latency")), None)
    known = VersionEvidence(
        model=model,
        promotion=newest["promotion"],
        measured=newest["written"],
        bundle=newest["bundle"],
        latency_p95_ms=latency["p95_ms"] if latency else None,
        lineage=newest["lineage"],
        files={f"{file['part']}/{file['path']}": file["sha256"] for file in newest["contents"]},
    )
    return known if evaluated is None else _evaluated(known, *evaluated)


def _evaluated(known: VersionEvidence, pack: Any, evidence: Any) -> VersionEvidence:
    evaluation = evidence["evaluation"]
    rows = [("", difference) for difference in evaluation.get("differences", ())]
    rows += [(entry["slice"], entry["difference"]) for entry in evaluation.get("slices", ())]
    return replace(
        known,
        promotion=pack["promotion"],
        measured=evidence["at"],
        holdout=evaluation["digest"],
        rows=evaluation["rows"],
        values=evaluation["values"],
        champion=evaluation["champion"].rpartition("/")[2],
        slices=tuple(
            MeasuredSlice(slice=name, metric=difference["metric"], value=difference["challenger"])
            for name, difference in rows
            if name
        ),
        differences=tuple(
            MeasuredDifference(
                metric=difference["metric"],
                slice=name,
                better=difference["estimate"],
                low=difference["low"],
                high=difference["high"],
                confidence=difference["confidence"],
            )
            for name, difference in rows
        ),
    )


def _packs(statements: Statements, ledger: Ledger, promotions: Iterable[str]) -> Iterator[Any]:
    """The signed packs, the newest first."""
    for promotion in promotions:
        opening = unverified_opening(ledger, promotion)
        for at in reversed(opening.plan.stages if opening and opening.plan else ()):
            for phase in (Phase.EXIT, Phase.ENTRY):
                pack = pack_of(ledger, promotion, at.stage.name, phase)
                if pack is None:
                    continue
                predicate = statements.read(paths.statement_of(pack.record), PredicateKind.EVIDENCE_PACK)
                if predicate is not None:
                    yield predicate["pack"]


def _evidence(pack: Any) -> Iterator[Any]:
    """What was measured for the pack, the last phase first."""
    return (assessment["evidence"] for assessment in reversed(pack["assessments"]))
