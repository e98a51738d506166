"""Promotion's inputs and outputs across the Durable boundary, and its activities and orchestrations."""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.kinds import Activity, Effect, ExternalEvent, Orchestration
from shared.contracts.payloads import Done, Sweep, Swept
from shared.domain.promotion.approvals import ApprovalStanding
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.outlines import PlanOutline, outline_of
from shared.domain.promotion.people import Askers, PersonId
from shared.domain.promotion.plans import Move, Phase, StagePlan
from shared.domain.promotion.plans import Plan as Plan
from shared.domain.promotion.receipts import Receipt


class Fate(StrEnum):
    """How a promotion ended."""

    PROMOTED = "promoted"
    HELD = "held"  # A gate or a person said no, and everything was put back.
    EXPIRED = "expired"  # Those who were asked did not all answer in time, and everything was put back.
    FAILED = "failed"  # Something broke, and everything was put back.
    REFUSED = "refused"  # It never began.
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """*source* names the environment where the version was flagged, *target* the stage it is to reach.

    *asked_by* are the verified persons who asked, *named* the names that Azure gives the flagged version's authors,
    *nameless* says that a machine asked and named no person, *automatic* that Signalbox asked by itself. *requester* is
    the object id of the first of *asked_by*, and all that histories of earlier releases have. *plan* is the digest of
    the plan that was approved, empty where none was asked for.
    """

    id: str
    model: ModelVersion
    source: str
    target: str
    requester: str = ""
    requested_by: str = ""
    reason: str = ""
    plan: str = ""
    flagged: str = ""  # The digest in the flag, where it has one.
    onwards: str = ""  # Where the flag wants what is trained at *target* to go.
    beside: tuple[ModelVersion, ...] = ()  # What is flagged to climb with it.
    break_glass: bool = False  # Where gates fail, wait for those who may override them together.
    asked_by: tuple[PersonId, ...] = ()
    named: tuple[str, ...] = ()
    nameless: bool = False
    automatic: bool = False

    @property
    def askers(self) -> Askers:
        """Who asked for it; a key of a machine is nobody."""
        known_oids = {"", *(person.oid for person in self.asked_by)}
        is_person = self.requester not in known_oids and not self.requester.startswith("key:")
        first = (PersonId(oid=self.requester, name=self.requested_by),) if is_person else ()
        persons = (*first, *self.asked_by)
        return Askers(persons=persons, named=self.named, nameless=self.nameless, automatic=self.automatic)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionOpening:
    key: str
    execution: str
    promotion: Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionOpened:
    """The record of an opening: *plan* is None where the promotion may not begin, and *because* says why.

    Its *plan* is the one that activities read; *locks* are what the promotion holds, in their order.
    """

    plan: Plan | None = None
    plan_digest: str = ""
    fate: Fate = Fate.REFUSED
    because: str = ""
    locks: tuple[str, ...] = ()  # Empty in records of earlier releases.

    @property
    def held(self) -> tuple[str, ...]:
        """The locks of the promotion, whichever release opened it."""
        return self.locks or (tuple(self.plan.endpoints()) if self.plan else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionAdmission:
    """What an orchestration learns of an opening: *outline* is None where the promotion may not begin.

    The first version of the orchestration had the whole *plan* here, and its histories still do.
    """

    outline: PlanOutline | None = None
    plan: Plan | None = None  # Of the first version alone.
    plan_digest: str = ""
    fate: Fate = Fate.REFUSED
    because: str = ""
    locks: tuple[str, ...] = ()  # Empty in histories of releases that woke nobody.
    confirms: bool = False  # Whether its effects are confirmed at the end: not in histories of earlier releases.

    @property
    def course(self) -> PlanOutline | None:
        """The outline of the plan, in either version."""
        return outline_of(self.plan) if self.plan else self.outline


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLock:
    """*owner* is a promotion; a lock is taken once and given back by its owner alone."""

    key: str
    endpoint: str
    owner: str
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLocked:
    """*by* has the lock, or is the next to have it; *ahead* promotions come first.

    *look_again_s* is zero in histories of earlier releases, which looked every thirty seconds.
    """

    held: bool
    by: str = ""
    ahead: int = 0
    look_again_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocksFreed:
    key: str
    locks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStep:
    """Something to be done for one phase of one stage of the plan that *plan_digest* names.

    *seen* are the evidence records of the phases before. A receipt of a rollout opens its step *number*, and SHADOW
    asks for the one over the copies, which opens the first. The plan is not sent: with its list of files it can be
    longer than all else in a history, and every order would repeat it.
    """

    key: str
    promotion: Promotion
    plan_digest: str
    stage: str
    phase: Phase
    evidence: str = ""
    number: int = 0
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOrder(StageStep):
    """The step together with its plan, as the bodies of activities use it. It crosses to no activity."""

    plan: Plan

    @property
    def at(self) -> StagePlan:
        return self.plan.at(self.stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """*record* is the path of the evidence in the hub, *worse* says that the challenger itself is to blame."""

    passed: bool
    record: str
    because: tuple[str, ...] = ()
    worse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePack:
    """*digest* is what approvals are given for."""

    digest: str
    page: str
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsSeen:
    standing: ApprovalStanding
    unmet: tuple[str, ...] = ()
    look_again_s: float = 0.0
    reminders_due: int = 0
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChange:
    """The change request of ServiceNow that is about the evidence of a stage, and since when it is waited for."""

    number: str
    sys_id: str
    opened: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChangeClosing:
    """The promotion has ended with *fate*: the change request that *stage* may have opened is closed."""

    key: str
    promotion: Promotion
    plan_digest: str
    stage: str
    fate: Fate
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveStep:
    """A move to be made or undone, of the plan that *plan_digest* names."""

    key: str
    promotion: Promotion
    stage: str
    move: Move
    plan_digest: str = ""  # Empty in orders of the first version, which brought the plan itself.
    receipt: Receipt | None = None  # Undoing needs none.
    because: str = ""  # Why it is undone.
    step: int = 0  # Of a rollout: which of its weights.


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOrder(MoveStep):
    """The step together with its plan, as the bodies of activities use it. It crosses to no activity."""

    plan: Plan

    @property
    def at(self) -> StagePlan:
        return self.plan.at(self.stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """*waiting* names what Azure is still at work on: ask again until it is empty."""

    waiting: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsLook:
    """Whether everything is there that the plan *plan_digest* was to make."""

    promotion: Promotion
    plan_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsSeen:
    """*missing* says what is not there, a sentence for each."""

    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionClosing:
    key: str
    promotion: Promotion
    fate: Fate
    because: tuple[str, ...]
    reached: str = ""
    worse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionResult:
    id: str
    fate: Fate
    because: tuple[str, ...] = ()
    reached: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEntries:
    entries: tuple[ModelVersion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryScrub:
    """*key* is the sweep's own: every scrub reads every byte again."""

    key: str
    entry: ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryScrubbed:
    """*wrong* says what differs from what was registered, empty where nothing does."""

    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    entries: int
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Bring *model* back from the central registry into *environment*; *asked_by* is a verified name."""

    key: str
    model: ModelVersion
    environment: str
    asked_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    digest: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """A promotion to be undone: one that was ended from outside, or one whose set did not hold together.

    *outline* is None where it was ended before it had a plan: nothing was moved. *locks* are what it holds.
    """

    promotion: Promotion
    outline: PlanOutline | None = None
    plan: Plan | None = None  # Of the first version alone, in the place of *outline* and *plan_digest*.
    plan_digest: str = ""
    because: str = ""  # Empty: it was ended from outside.
    locks: tuple[str, ...] = ()  # Empty in histories of releases that woke nobody.


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionLook:
    promotion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionSet:
    """Several models flagged together. *atomic*: all of them, or none; otherwise each ends as it may."""

    id: str
    promotions: tuple[Promotion, ...]
    atomic: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionSetResult:
    """Each model's own state, in the order of the set; those that were never begun are missing."""

    id: str
    promoted: bool
    results: tuple[PromotionResult, ...]


OPEN_PROMOTION = Activity("open_promotion", PromotionOpening, PromotionAdmission, Effect.WRITES)
LOCK_ENDPOINT = Activity("lock_endpoint", EndpointLock, EndpointLocked, Effect.WRITES)
UNLOCK_ENDPOINT = Activity("unlock_endpoint", EndpointLock, Done, Effect.WRITES)
WAKE_WAITING = Activity("wake_waiting", LocksFreed, Done, Effect.WRITES)
ASSESS_STAGE = Activity("assess_stage", StageStep, Assessed, Effect.WRITES)
WRITE_EVIDENCE_PACK = Activity("write_evidence_pack", StageStep, EvidencePack, Effect.WRITES)
LOOK_AT_APPROVALS = Activity("look_at_approvals", StageStep, ApprovalsSeen, Effect.WRITES)
LOOK_AT_GLASS = Activity("look_at_glass", StageStep, ApprovalsSeen, Effect.READS)
REMIND_APPROVERS = Activity("remind_approvers", StageStep, Done, Effect.WRITES)
OPEN_STAGE_CHANGE = Activity("open_stage_change", StageStep, StageChange, Effect.WRITES, patient=True)
LOOK_AT_STAGE_CHANGE = Activity("look_at_stage_change", StageStep, ApprovalsSeen, Effect.READS, patient=True)
CLOSE_STAGE_CHANGE = Activity("close_stage_change", StageChangeClosing, Done, Effect.WRITES, patient=True)
ISSUE_RECEIPT = Activity("issue_receipt", StageStep, Receipt, Effect.WRITES)
MAKE_MOVE = Activity("make_move", MoveStep, Moved, Effect.WRITES)
UNDO_MOVE = Activity("undo_move", MoveStep, Moved, Effect.WRITES)
CONFIRM_EFFECTS = Activity("confirm_effects", EffectsLook, EffectsSeen, Effect.READS)
SWEEP_FLAGS = Activity("sweep_flags", Sweep, Swept, Effect.WRITES)
SWEEP_PROMOTIONS = Activity("sweep_promotions", Sweep, Swept, Effect.WRITES)
LOOK_AT_PLAN = Activity("look_at_plan", PromotionLook, PromotionAdmission, Effect.READS)
LIST_ENTRIES = Activity("list_entries", Sweep, RegistryEntries, Effect.READS)
SCRUB_ENTRY = Activity("scrub_entry", EntryScrub, EntryScrubbed, Effect.WRITES)
RECOVER_ENTRY = Activity("recover_entry", Recovery, Recovered, Effect.WRITES)
CLOSE_PROMOTION = Activity("close_promotion", PromotionClosing, Done, Effect.WRITES)

PROMOTE = Orchestration("promote", Promotion, PromotionResult)
RECONCILE_PROMOTIONS = Orchestration("reconcile_promotions", Sweep, Swept)
PROMOTE_SET = Orchestration("promote_set", PromotionSet, PromotionSetResult)
SCRUB_REGISTRY = Orchestration("scrub_registry", Sweep, Scrubbed)
RECOVER = Orchestration("recover", Recovery, Recovered)
RESTORE = Orchestration("restore", Restoring, PromotionResult)

DECISION_GIVEN = ExternalEvent("decision_given")
TURN_COME = ExternalEvent("turn_come")
