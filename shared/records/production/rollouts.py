"""Records of rollouts: each look with its frozen counts, each step as it ended, people's orders, and where it stands.

All but the last are signed. Not here: the traffic itself, whose changes are moves of the promotion.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from shared.codec import encode
from shared.domain.newer import NEWER
from shared.domain.promotion.audit import canonical_digest
from shared.domain.rollout.orders import RolloutOrder
from shared.domain.statistics.sequential.counts import MinuteCounts, PairCounts, ShareCounts
from shared.domain.statistics.sequential.rollout_evidence import LookCounts, RolloutEvidence
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records.production import paths
from shared.records.statements import ForgedError, Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedPairs:
    """The inputs of a replay that both arms answered, for the *comparison* of that name."""

    comparison: str
    pairs: tuple[PairCounts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenCounts:
    """The counts of minutes that are final; they are never counted again. *clients* were counted here first, where
    clients are counted. *batch* are rows of arrivals that both versions have scored, of the runs *arrivals*."""

    minutes: dict[str, tuple[MinuteCounts, ...]] = field(default_factory=dict)
    shares: tuple[ShareCounts, ...] = ()
    clients: tuple[str, ...] = field(default=(), metadata=NEWER)
    replay: tuple[ReplayedPairs, ...] = field(default=(), metadata=NEWER)
    batch: tuple[ReplayedPairs, ...] = field(default=(), metadata=NEWER)
    arrivals: tuple[str, ...] = field(default=(), metadata=NEWER)

    @property
    def look(self) -> LookCounts:
        """What evidence is made of: rows of arrivals are pairs as those of a replay are."""
        pairs = _joined_pairs(self.replay, self.batch)
        by_minute = {replayed.comparison: _by_minute(replayed.pairs) for replayed in pairs}
        return LookCounts(minutes=self.minutes, shares=self.shares, replay=by_minute)

    @property
    def is_counted(self) -> bool:
        """Whether anything was counted: a look without any new minute leaves the evidence as it was."""
        return bool(self.shares or self.replay or self.batch or any(self.minutes.values()))

    @property
    def replayed(self) -> int:
        """How many inputs were replayed: every comparison has all of them at most."""
        return max((sum(pair.pairs for pair in replayed.pairs) for replayed in self.replay), default=0)

    def joined(self, other: "FrozenCounts") -> "FrozenCounts":
        """Both, in the order of their minutes."""
        names = sorted(self.minutes.keys() | other.minutes.keys())
        return FrozenCounts(
            minutes={name: (*self.minutes.get(name, ()), *other.minutes.get(name, ())) for name in names},
            shares=(*self.shares, *other.shares),
            clients=(*self.clients, *other.clients),
            replay=_joined_pairs(self.replay, other.replay),
            batch=_joined_pairs(self.batch, other.batch),
            arrivals=(*self.arrivals, *other.arrivals),
        )


def _joined_pairs(first: tuple[ReplayedPairs, ...], second: tuple[ReplayedPairs, ...]) -> tuple[ReplayedPairs, ...]:
    """Both, by comparison."""
    pairs = dict[str, tuple[PairCounts, ...]]()
    for replayed in (*first, *second):
        pairs[replayed.comparison] = (*pairs.get(replayed.comparison, ()), *replayed.pairs)
    return tuple(ReplayedPairs(comparison=name, pairs=pairs[name]) for name in sorted(pairs))


def _by_minute(pairs: tuple[PairCounts, ...]) -> tuple[PairCounts, ...]:
    """One for each minute: a look may have pairs of a replay and of arrivals in the same one."""
    minutes = dict[int, PairCounts]()
    for pair in pairs:
        earlier = minutes.get(pair.minute)
        minutes[pair.minute] = pair if earlier is None else earlier.plus(pair)
    return tuple(minutes[minute] for minute in sorted(minutes))


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRequests:
    """Requests of each arm that came after their blocks had been counted: they are in no count."""

    canary: int = 0
    champion: int = 0

    def plus(self, other: "LateRequests") -> "LateRequests":
        return LateRequests(canary=self.canary + other.canary, champion=self.champion + other.champion)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedLook:
    """One look of a step: what it has counted, the *evidence* with it, and what the step came to so far.

    *through* is the last block (of the policy's `block_s`) that was judged; *requests* and *errors* are the new
    version's in this step. Collected outputs come later, and were judged to the minute *outputs_through*. *inputs* is
    how many of the inputs of a replay the whole rollout has used. *revoked* and *unmeasured* are those of `StepFacts`,
    *overdue* is that of `StepOutcome`. *first* is the first block that this look has asked for, and *late* counts all
    that came late in this step so far.
    """

    step: int
    number: int
    at: datetime
    through: int
    counts: FrozenCounts
    evidence: RolloutEvidence
    requests: int
    errors: int
    orders: tuple[RolloutOrder, ...]
    alerts: tuple[str, ...]
    foreign: str
    decision: str
    because: str
    worse: bool
    outputs_through: int = field(default=-1, metadata=NEWER)
    inputs: int = field(default=0, metadata=NEWER)
    revoked: bool = field(default=False, metadata=NEWER)
    unmeasured: bool = field(default=False, metadata=NEWER)
    overdue: bool = field(default=False, metadata=NEWER)
    first: int = field(default=-1, metadata=NEWER)
    late: LateRequests = field(default=LateRequests(), metadata=NEWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step as it ended, with all that it was judged by: the receipt of the next step judges it again.

    *before* is the evidence of the steps before, *after* that with this one. *counts*
    are those of all looks but the *last* that counted anything. *inputs* of a replay were used until its end.
    """

    promotion: str
    stage: str
    step: int
    weight: int
    since: datetime
    ended: datetime
    before: RolloutEvidence
    after: RolloutEvidence
    counts: FrozenCounts
    last: FrozenCounts
    requests: int
    errors: int
    orders: tuple[RolloutOrder, ...]
    alerts: tuple[str, ...]
    foreign: str
    decision: str
    because: str
    inputs: int = field(default=0, metadata=NEWER)
    revoked: bool = field(default=False, metadata=NEWER)
    unmeasured: bool = field(default=False, metadata=NEWER)
    late: LateRequests = field(default=LateRequests(), metadata=NEWER)

    @property
    def evidence(self) -> str:
        """The digest that a receipt names."""
        return str(canonical_digest(encode(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStanding:
    """Where a rollout stands, to be shown: nothing is decided by it.

    *overdue*: its step has lasted as long as it may, and waits for a person. *late* are requests that came late.
    """

    promotion: str
    model: str
    environment: str
    endpoint: str
    deployment: str
    champion: str
    stage: str
    step: int
    weights: tuple[int, ...]
    since: str
    looks: int
    decision: str
    because: str
    at: str
    overdue: bool = False
    late: LateRequests = LateRequests()


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPredicate:
    """What the measuring key says of a look."""

    promotion: str
    record: RecordedLook


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPredicate:
    """What the measuring key says of a step that has ended."""

    promotion: str
    record: StepRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutOrderPredicate:
    """What the key of a door says of a person's order."""

    promotion: str
    stage: str
    order: RolloutOrder


def look_at(statements: Statements, promotion: str, stage: str, step: int, number: int) -> RecordedLook | None:
    """The look that was taken, None where it was not yet. Raises ForgedError."""
    return _measured_record(statements, paths.rollout_look(promotion, stage, step, number), RecordedLook)


def newest_looks(statements: Statements, promotion: str, stage: str, step: int) -> Iterator[RecordedLook]:
    """The looks that were taken at a step, the last one first. Raises ForgedError."""
    for path in sorted(statements.list(paths.rollout_looks(promotion, stage, step)), reverse=True):
        look = _measured_record(statements, path, RecordedLook)
        if look is not None:
            yield look


def step_at(statements: Statements, promotion: str, stage: str, step: int) -> StepRecord | None:
    """The step as it ended, None before. Raises ForgedError."""
    return _measured_record(statements, paths.rollout_step(promotion, stage, step), StepRecord)


def sign_look(statements: Statements, subject: tuple[str, str], promotion: str, stage: str, look: RecordedLook) -> None:
    """Say with the measuring key what *look* has seen of *subject*, a model and its digest. The first one stands."""
    path = paths.rollout_look(promotion, stage, look.step, look.number)
    _sign(statements, path, PredicateKind.ROLLOUT_LOOK, subject, promotion, look.at, look)


def sign_step(statements: Statements, subject: tuple[str, str], record: StepRecord) -> None:
    """Say with the measuring key how a step ended. The first record stands."""
    path = paths.rollout_step(record.promotion, record.stage, record.step)
    _sign(statements, path, PredicateKind.ROLLOUT_STEP, subject, record.promotion, record.ended, record)


def orders_of(
    statements: Statements, promotion: str, stage: str, forgeries: list[ForgedError]
) -> Iterator[RolloutOrder]:
    """Every order that a door has signed; what nobody signed is added to *forgeries*."""
    folder = paths.rollout_orders(promotion, stage)
    orders = statements.records(folder, PredicateKind.ROLLOUT_ORDER, RolloutOrder, "order", forgeries)
    return (order for _, order in orders)


def sign_order(statements: Statements, promotion: str, stage: str, name: str, order: RolloutOrder) -> bool:
    """Say with the key of the door what a verified person has ordered; False where *name* was ordered before.

    A file that nobody signed takes no order's place: the order is then kept under its own time.
    """
    statement = Statement(
        kind=PredicateKind.ROLLOUT_ORDER,
        subjects={f"rollout of {promotion}": canonical_digest(encode(order))},
        at=order.at,
        predicate=encode(RolloutOrderPredicate(promotion=promotion, stage=stage, order=order)),
    )
    folder = paths.rollout_orders(promotion, stage)
    path = f"{folder}{name}.dsse.json"
    if statements.create(path, statement):
        return True
    try:
        statements.read(path, PredicateKind.ROLLOUT_ORDER)
    except ForgedError:
        return statements.create(f"{folder}{name}-{order.at.strftime('%Y%m%dT%H%M%S%f')}.dsse.json", statement)
    return False


_Record = TypeVar("_Record", RecordedLook, StepRecord)


def _measured_record(statements: Statements, path: str, kind: type[_Record]) -> _Record | None:
    predicate_kind = PredicateKind.ROLLOUT_LOOK if kind is RecordedLook else PredicateKind.ROLLOUT_STEP
    return statements.record(path, predicate_kind, kind)


def _sign(
    statements: Statements,
    path: str,
    kind: PredicateKind,
    subject: tuple[str, str],
    promotion: str,
    at: datetime,
    record: RecordedLook | StepRecord,
) -> None:
    model, bundle = subject
    content = encode(record)
    statement = Statement(
        kind=kind,
        subjects={model: bundle, path: canonical_digest(content)},
        at=at,
        predicate={"promotion": promotion, "record": content},
    )
    statements.create(path, statement)
