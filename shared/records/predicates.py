"""What each kind of statement says: the members of its predicate, beside `at` and `path`, which all have.

`docs/statements.schema.json` is made of these classes. A receipt is the domain's own, without its signature. Who signs
which kind is in `shared.domain.trust.statements`; who writes them is beside the records that they are.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts import Fate, PromotionSet
from shared.domain.gates import Verdict
from shared.domain.promotion.approvals import Approval
from shared.domain.promotion.bundles import BundleFile
from shared.domain.promotion.delegations import Delegation
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.plans import Champion, Move, Phase
from shared.domain.promotion.training import Trained
from shared.records.store import LATER


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSource:
    """Where a decision was read that a person made in another system.

    *approval* is that system's own id, *step* whom it was assigned to, *given_at* its time, *status* and *comment* its
    words. *verified* says how the app knows that the other system has said so.
    """

    system: str
    organisation: str
    project: str
    run: int
    approval: str
    url: str
    step: str
    given_by: str
    given_at: datetime | None
    status: str
    comment: str
    verified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPredicate:
    """A person decided; *source* where they did so in another system, and not at a door of the app."""

    promotion: str
    stage: str
    decision: Approval
    source: DecisionSource | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationPredicate:
    """A person has left what is asked of a role to another person, or has taken that back."""

    promotion: str
    stage: str
    delegation: Delegation


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEvidence:
    """What was measured for one phase of a stage, once; *champion* served then. *evidence* is the domain's document."""

    stage: str
    phase: str
    champion: Champion
    evidence: dict[str, Any]
    at: str
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePredicate:
    promotion: str
    stage: str
    phase: Phase
    model: str
    bundle: str
    plan: str
    record: StageEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePackPredicate:
    """*pack* is all that people were shown; *digest* is that of its canonical JSON. Early packs name no *plan*."""

    promotion: str
    stage: str
    phase: Phase
    model: str
    bundle: str
    digest: str
    pack: dict[str, Any]
    plan: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """*approvers* are the roles that must approve."""

    stage: str
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPredicate:
    """*plan* is the digest of the whole plan."""

    promotion: str
    model: str
    plan: str
    bundle: str
    target: str
    requested_by: str
    stages: tuple[PlannedStage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeMovePredicate:
    """What there was before the first touch of a move."""

    promotion: str
    stage: str
    move: Move
    before: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePredicate:
    """*change* is `moved` or `undone`; *place* is the environment or the registry. *weight* is of a rollout's step."""

    promotion: str
    stage: str
    move: Move
    change: str
    plan: str
    place: str
    weight: str | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryMovePredicate(MovePredicate):
    """A move of an entry of the registry. *entry_statement* is where it is said what it made of an entry of its own."""

    entry_statement: str | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedPredicate:
    """What a stage has trained, whose bundle climbs on in the place of the planned one."""

    promotion: str
    stage: str
    move: Move
    trained: Trained


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionUsePredicate:
    """A receipt rests on a decision from now on. *decision* is its path, *decided* the time when *oid* made it."""

    promotion: str
    stage: str
    decision: str
    role: str
    oid: str
    decided: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalPredicate:
    """A person has taken back the decision at *decision*, a path, which they made as *role* at *decided*."""

    promotion: str
    stage: str
    decision: str
    role: str
    oid: str
    tenant: str
    name: str
    evidence: str
    decided: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionSetPredicate:
    """Which promotions climb together, and whether all of them must arrive."""

    set: PromotionSet


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryStatement:
    """An entry as *promotion* left it at *at*. *state* is empty where the entry was taken away again."""

    registry: str
    model: ModelVersion
    bundle: str
    state: str
    approved_by: str
    promotion: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPredicate:
    entry: EntryStatement


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedPhase:
    """A receipt as provenance repeats it: what passed at one phase of a stage, and who approved."""

    stage: str
    phase: Phase
    issued: str
    bundle: str
    evidence: str
    verdicts: tuple[str, ...]
    approvals: tuple[str, ...]
    override: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenancePredicate:
    """Where the bundle comes from that *promotion* brings to *stage*.

    *environment* is the digest over the files that say which packages the model needs, as a bundle's is over all.
    *data_version*, *code_commit* and *training_run* are empty where the source does not name them; *lineage* is all
    that it names.
    """

    promotion: str
    stage: str
    place: str
    model: str
    bundle: str
    plan: str
    source: str
    requested_by: str
    reason: str
    data_version: str
    code_commit: str
    training_run: str
    environment: str
    lineage: dict[str, str]
    passed: tuple[PassedPhase, ...]
    files: tuple[BundleFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassPredicate:
    """*failures* are the gates over which a receipt was issued, *consents* the paths of the decisions for it."""

    promotion: str
    stage: str
    phase: Phase
    model: str
    bundle: str
    plan: str
    evidence: str
    failures: tuple[str, ...]
    override: str
    consents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackPredicate:
    """*undone* are the moves that were taken back, as `STAGE/MOVE`, in the order of the plan."""

    promotion: str
    model: str
    plan: str
    target: str
    fate: Fate
    because: tuple[str, ...]
    undone: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationPredicate:
    """Nothing is believed any more that *key* has signed; its public half is *jwk*."""

    key: str
    purpose: str
    jwk: dict[str, str]
    revoked_at: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRevocationPredicate:
    """A person has revoked *model*, whose entry of the central registry has *bundle*: it serves nowhere again."""

    model: str
    bundle: str
    by: str
    oid: str
    tenant: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFindingPredicate:
    """The app has verified the audit log, and *finding* does not hold."""

    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofPackPredicate:
    """All files of the archive in which *promotion* was handed out to be verified, but for this statement itself."""

    promotion: str
    model: str
    files: tuple[PackedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSerialization:
    """How sigstore's model-signing is to hash a model: each file by itself, and none left out."""

    method: str = "files"
    hash_type: str = "sha256"
    allow_symlinks: bool = False
    ignore_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedResource:
    name: str
    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSignaturePredicate:
    """The form is that of sigstore's model-signing 1.0, and *promotion* and *stage* are members of our own."""

    serialization: FileSerialization
    resources: tuple[SignedResource, ...]
    promotion: str
    stage: str
