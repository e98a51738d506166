"""The whole test of a rollout: what is compared, the evidence so far, and how a look adds to it.

One alpha holds for all comparisons, looks and steps together. Not here: the verdict (`verdicts.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from shared.domain.failures import Refused
from shared.domain.statistics.sequential.counts import MinuteCounts, PairCounts, ShareCounts, counts_by_minute
from shared.domain.statistics.sequential.odds_evidence import OddsEvidence, OddsTest
from shared.domain.statistics.sequential.spread import SpreadEvidence


class RoutedUnit(StrEnum):
    """What the platform routes by itself, and so what is counted."""

    REQUEST = "request"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmComparison:
    """One thing that can be bad about an answer: an error, slowness, an output in a rare bin.

    *weight* is its part of the evidence for an abort. With more than *sick_above* of its units bad an arm is sick,
    whatever the other arm does; None sets no limit. A rollout may be cleared although a comparison is not that need
    not *clear*. With *weeks_apart* the champion's units are those of the same hours of the week before, in the soak:
    nobody has dealt the units out between the arms, so they always count an eighth, as unwatched routing does.
    """

    name: str
    weight: float = 1.0
    test: OddsTest = field(default_factory=OddsTest)
    sick_above: float | None = None
    clears: bool = True
    weeks_apart: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.weight < float("inf"):
            raise Refused(f"{self.name}: the weight {self.weight} is not above 0")
        if not self.test.tolerated < self.test.margin:
            raise Refused(f"{self.name}: the margin {self.test.margin} is not above {self.test.tolerated}")
        if self.sick_above is not None and not 0 < self.sick_above < 1:
            raise Refused(f"{self.name}: sick_above {self.sick_above} does not lie between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutTest:
    """*alpha* bounds the aborts of a canary that is not worse, *beta* the clearing of one that is worse by the margin.

    The arms' shares may differ from the weights by the odds *share_factor*: callers that name a deployment are some of
    both. *share_alpha* and *spread_alpha* bound false alarms of the two checks of the routing. Where the platform deals
    units out in turn (*in_turn*), shares that vary less than by chance are no alarm. Raises Refused for impossible
    figures.
    """

    comparisons: tuple[ArmComparison, ...]
    alpha: float = 0.01
    beta: float = 0.05
    unit: RoutedUnit = RoutedUnit.REQUEST
    confidence: float = 0.95
    share_factor: float = 1.5
    share_alpha: float = 0.001
    spread_alpha: float = 0.05
    in_turn: bool = False

    def __post_init__(self) -> None:
        names = [comparison.name for comparison in self.comparisons]
        if not names or len(set(names)) < len(names):
            raise Refused(f"a rollout compares one thing or several with names of their own, not {names}")
        rates = (self.alpha, self.beta, self.confidence, self.share_alpha, self.spread_alpha)
        # The comparisons are written so that NaN fails them.
        if not all(0 < rate < 1 for rate in rates):
            raise Refused(f"alpha, beta, confidence, share_alpha and spread_alpha lie between 0 and 1, not {rates}")
        if not 1 < self.share_factor < float("inf"):
            raise Refused(f"share_factor {self.share_factor} is not above 1")

    def compared(self, soaks: bool) -> tuple[ArmComparison, ...]:
        """The comparisons that a look counts for: those beside the champion, or with *soaks* those weeks apart."""
        return tuple(comparison for comparison in self.comparisons if comparison.weeks_apart == soaks)

    @property
    def share_test(self) -> OddsTest:
        """Of the canary's share: "worse" are more units than were asked for, and "better" are fewer."""
        return OddsTest(tolerated=self.share_factor, margin=1 / self.share_factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookCounts:
    """The newly frozen counts of one look: by comparison, the arms' shares, and the pairs of a replay by comparison."""

    minutes: Mapping[str, tuple[MinuteCounts, ...]]
    shares: tuple[ShareCounts, ...] = ()
    replay: Mapping[str, tuple[PairCounts, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonEvidence:
    """The evidence of one comparison by *traffic* and by *replay*.

    *latest* are the sums of the latest look, where it had any minute, and *latest_pairs* its replayed inputs.
    """

    traffic: OddsEvidence = field(default_factory=OddsEvidence)
    replay: OddsEvidence = field(default_factory=OddsEvidence)
    latest: MinuteCounts | None = None
    latest_pairs: int = 0

    def with_look(
        self, minutes: Iterable[MinuteCounts], replay: tuple[PairCounts, ...], test: OddsTest
    ) -> "ComparisonEvidence":
        """With a look's new counts. Raises Refused for minutes that have been counted."""
        fresh = counts_by_minute(minutes)
        return ComparisonEvidence(
            traffic=self.traffic.with_minutes(fresh, test),
            replay=self.replay.with_pairs(replay, test),
            latest=_total(fresh) if fresh else None,
            latest_pairs=sum(pair.pairs for pair in replay),
        )


def _total(minutes: tuple[MinuteCounts, ...]) -> MinuteCounts:
    (total,) = counts_by_minute(replace(block, minute=minutes[-1].minute) for block in minutes)
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutEvidence:
    """All that earlier looks have left: small, plain, and in whole numbers, so that it is stored and judged again."""

    comparisons: dict[str, ComparisonEvidence] = field(default_factory=dict)
    shares: OddsEvidence = field(default_factory=OddsEvidence)
    spread: SpreadEvidence = field(default_factory=SpreadEvidence)
    looks: int = 0

    def with_look(self, counts: LookCounts, test: RolloutTest) -> "RolloutEvidence":
        """With one look more. Raises Refused for counts of an unknown comparison, and of minutes counted before."""
        names = {comparison.name for comparison in test.comparisons}
        if unknown := sorted((counts.minutes.keys() | counts.replay.keys()) - names):
            raise Refused(f"counts of {', '.join(unknown)}, which the rollout does not compare")
        return RolloutEvidence(
            comparisons={
                comparison.name: self.of(comparison).with_look(
                    counts.minutes.get(comparison.name, ()), counts.replay.get(comparison.name, ()), comparison.test
                )
                for comparison in test.comparisons
            },
            shares=self.shares.with_shares(counts.shares, test.share_test),
            spread=self.spread.with_shares(counts.shares),
            looks=self.looks + 1,
        )

    def of(self, comparison: ArmComparison) -> ComparisonEvidence:
        """The evidence of *comparison*, empty before its first look."""
        return self.comparisons.get(comparison.name) or ComparisonEvidence()
