"""Ports of promotion: registered models, the bytes of bundles, endpoints, signatures and verified identities."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from shared.domain.inference.routes import Workspace
from shared.domain.promotion.approvals import Person
from shared.domain.promotion.audit import Entry
from shared.domain.promotion.bundles import BundleFile
from shared.domain.promotion.ladder import Registry
from shared.domain.promotion.models import ModelVersion
from shared.domain.teams.ownership import Belonging
from shared.domain.trust.tree_heads import EntryProof
from shared.domain.trust.verified_logs import VerifiedMark

if TYPE_CHECKING:  # The ports are loaded at a cold start, and the gates are not.
    from shared.domain.gates.plugins import ProjectGateCall
    from shared.domain.gates.verdict import GateFinding
    from shared.domain.project_functions import ProjectFunction

Place: TypeAlias = Workspace | Registry


class AssetKind(StrEnum):
    """Assets of a workspace, by their name in Azure Resource Manager."""

    MODEL = "models"
    CODE = "codes"
    ENVIRONMENT = "environments"


class ProjectFunctions(Protocol):
    """Runs the functions that a project brings itself."""

    def ask(self, call: "ProjectGateCall") -> "GateFinding":
        """The finding of the gate; whatever goes wrong in it is a finding that fails."""
        ...

    def contributions(
        self, function: "ProjectFunction", truth: Sequence[Any], predictions: Sequence[Any]
    ) -> Sequence[float]:
        """What each row contributes to the metric that *function* is. Refused where it gives no number for each."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """*folder* is where its files lie, as Azure ML names it; *kind* is `custom_model` or `mlflow_model`.

    *writers* are the names that Azure gives those who registered the version and who changed it last. *author* is
    the object id of the user who wrote all of it, where that is certain.
    """

    model: ModelVersion
    folder: str
    kind: str = "custom_model"
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    job: str = ""
    writers: tuple[str, ...] = field(default=(), compare=False)
    author: str = field(default="", compare=False)


class Models(Protocol):
    """Model versions as workspaces and the central registry know them; a version's content never changes."""

    def find(self, place: Place, model: ModelVersion) -> RegisteredModel | None: ...
    def versions(self, place: Place, name: str) -> Iterator[RegisteredModel]:
        """Those that are there: not one that is still being made, nor one that could not be."""
        ...

    def taken_versions(self, place: Place, name: str) -> Iterator[RegisteredModel]:
        """Those whose number is taken: also one that is still being made, or could not be."""
        ...

    def register(self, place: Place, model: RegisteredModel) -> None:
        """Safe to repeat; Refused where the version is there with another folder."""
        ...

    def tag(self, place: Place, model: ModelVersion, tags: Mapping[str, str]) -> None:
        """Add or change *tags*; an empty value removes the tag."""
        ...

    def has(self, place: Place, kind: AssetKind, asset: ModelVersion) -> bool: ...
    def asset_id(self, place: Place, kind: AssetKind, asset: ModelVersion) -> str:
        """The ARM id of an asset, whether it is there or not."""
        ...

    def remove(self, place: Place, kind: AssetKind, asset: ModelVersion) -> None:
        """Delete the version; nothing happens where it is not there."""
        ...

    def register_environment(self, workspace: Workspace, asset: ModelVersion, conda: bytes) -> None:
        """The environment with the packages of *conda*. Safe to repeat."""
        ...

    def image_digest(self, workspace: Workspace, asset: ModelVersion) -> str:
        """The digest of the image that was built of the environment; empty where none was, or nobody says."""
        ...

    def register_code(self, workspace: Workspace, asset: ModelVersion, folder: str) -> None:
        """The code asset at *folder*. Safe to repeat."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A folder of a bundle's bytes in a workspace's own storage or in the registry's; *asset* names the latter's."""

    place: Place
    folder: str
    asset: ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """*path* is relative to the shelf, *sha256* what its metadata says, empty where nobody has said."""

    path: str
    size: int
    sha256: str = ""


class BundleStore(Protocol):
    """The bytes of bundles. Copies stream in bounded memory and are hashed on the way."""

    def files(self, shelf: Shelf) -> Iterator[StoredFile]: ...

    def digest(self, shelf: Shelf, path: str) -> str:
        """The sha256 of the content as it is now."""
        ...

    def read(self, shelf: Shelf, path: str) -> bytes | None: ...

    def copy(self, source: Shelf, target: Shelf, file: BundleFile) -> bool:
        """False where the target had it. Refused where what arrived is not what *file* says: nothing is left behind."""
        ...

    def write(self, shelf: Shelf, path: str, content: bytes) -> None:
        """Put a small file beside a bundle, over one that is there."""
        ...

    def delete(self, shelf: Shelf, path: str) -> None: ...

    def address(self, shelf: Shelf) -> str:
        """The folder as Azure ML takes it in a registration."""
        ...


class EndpointKind(StrEnum):
    ONLINE = "onlineEndpoints"
    BATCH = "batchEndpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSeen:
    """*traffic* in percent by deployment (online), *default* the deployment of a batch endpoint.

    *settled* is false while a change is under way: then the traffic may be that before it or after it. *mirror* are
    the deployments that get copies of live requests, with their percentages.
    """

    name: str
    traffic: Mapping[str, int] = field(default_factory=dict)
    default: str = ""
    settled: bool = True
    mirror: Mapping[str, int] = field(default_factory=dict)

    @property
    def shares(self) -> dict[str, int]:
        """The traffic without the deployments that get none of it."""
        return {deployment: share for deployment, share in self.traffic.items() if share > 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSeen:
    """*state* is Azure ML's provisioning state; *model* the ARM id of what it serves, *compute* on what, if it says.

    *instances* is 0 where it says nothing of its size.
    """

    name: str
    state: str
    model: str
    compute: str = ""
    instances: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDeployment:
    """Ids are ARM ids; *code* and *environment* are empty for MLflow models, which bring their own. By the *tags* its
    cost is found.
    """

    name: str
    endpoint: str
    kind: EndpointKind
    model: str
    code: str = ""
    script: str = ""
    environment: str = ""
    instance_type: str = ""
    instances: int = 1
    compute: str = ""
    kubernetes: str = ""
    collections: tuple[str, ...] = ()  # What the data collector keeps of an online deployment.
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineRequest:
    """*body* is JSON; *deployment* is asked by name, whatever the traffic."""

    workspace: Workspace
    endpoint: str
    deployment: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointResponse:
    status: int
    body: bytes
    took_ms: float


class Endpoints(Protocol):
    """Online and batch endpoints and their deployments; what takes long is begun here and looked at later."""

    def find(self, workspace: Workspace, kind: EndpointKind, endpoint: str) -> EndpointSeen | None: ...
    def ensure(self, workspace: Workspace, kind: EndpointKind, endpoint: str, kubernetes: str = "") -> bool:
        """Begin to create the endpoint (on the cluster *kubernetes*, if named) unless it is there; True once ready."""
        ...

    def remove(self, workspace: Workspace, kind: EndpointKind, endpoint: str) -> None: ...
    def deployment(
        self, workspace: Workspace, kind: EndpointKind, endpoint: str, deployment: str
    ) -> DeploymentSeen | None: ...
    def deploy(self, workspace: Workspace, deployment: WantedDeployment) -> None: ...
    def undeploy(self, workspace: Workspace, kind: EndpointKind, endpoint: str, deployment: str) -> None: ...
    def route(
        self, workspace: Workspace, endpoint: str, traffic: Mapping[str, int], mirror: Mapping[str, int] | None = None
    ) -> bool:
        """Begin to set an online endpoint's traffic, in percent; True once it is in force. Safe to repeat.

        *mirror* is set in the same request: the percentage of live requests that a deployment gets copies of. None
        leaves it as it is.
        """
        ...

    def choose(self, workspace: Workspace, endpoint: str, deployment: str) -> bool:
        """Begin to set a batch endpoint's default deployment; True once it is in force. Safe to repeat."""
        ...

    def invoke(self, request: OnlineRequest) -> EndpointResponse: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """*entries* counts to the end; *head* is the hash of the last entry, *tree_head* the last signed `SIZE:ROOT`."""

    entries: int
    problems: tuple[str, ...]
    head: str
    tree_head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLook:
    """What one look at a part of the audit log has found; *is_done* where there is no further part to look at now.

    *mark* says how far the log is verified once the look is noted, None where nothing is. *nameless* are the entries
    that an index does not name.
    """

    problems: tuple[str, ...]
    is_done: bool
    mark: VerifiedMark | None = None
    nameless: tuple[int, ...] = ()


class AuditLog(Protocol):
    """The append-only record of every decision, approval and movement: a hash chain under signed Merkle tree heads."""

    def append(
        self,
        key: str,
        kind: str,
        subject: str,
        actor: str,
        facts: Mapping[str, object],
        about: Belonging | None = Belonging.MODEL,
    ) -> Entry:
        """One more entry, or the one that *key* already has.

        *about* says what *subject* names, so that the entry carries the team that owns it; None for the app itself.
        """
        ...

    def entries(self) -> Iterator[Entry]:
        """Every entry in order, as stored: nothing is checked here."""
        ...

    def about(self, name: str) -> Iterator[Entry]:
        """Those whose subject is *name* or a version of it, in order, without reading any other.

        Refused where one of them is not what was signed.
        """
        ...

    def since(self, moment: datetime) -> Iterator[Entry]:
        """Every entry of *moment* or later, the newest first (and some from shortly before: clocks differ).

        The signed end of the log proves them, so nothing can be hidden from the caller; it reads each. Refused where
        an entry is missing or is not what was signed.
        """
        ...

    def backwards(self, number: int = 0) -> Iterator[Entry]:
        """Entry *number* and those before it, the newest first; from the end where it is 0 or beyond it.

        Refused as `since`.
        """
        ...

    def find(self, key: str) -> Entry | None:
        """The entry of *key*, None where there is none yet. Refused as `about`."""
        ...

    def filed(self) -> int:
        """How many entries `about` can find."""
        ...

    def head(self) -> Entry | None:
        """The newest entry; `entries` and `about` find it from now on."""
        ...

    def verify(self, since: str = "") -> AuditReport:
        """Whether the log is whole; *since* a head, given as `SIZE` or `SIZE:ROOT`, the new part only.

        Refused where there is no signed head *since*.
        """
        ...

    def look(self, most: int, reread: bool = False) -> LogLook:
        """Verify the next part of at most *most* entries: of what is new, or with *reread* of what was verified before.

        Nothing is noted: that is for `note_look`, once the problems are told of.
        """
        ...

    def note_look(self, look: LogLook) -> None:
        """Lay down the missing names of *look*, and sign how far the log is verified."""
        ...

    def prove(self, number: int) -> EntryProof:
        """That entry *number* is under the newest head. Refused where it is not."""
        ...

    def publish(self) -> bool:
        """Put the newest head where the app cannot rewrite it; False where it has no such place. Safe to repeat."""
        ...


class Identities(Protocol):
    def verify(self, authorization: str) -> Person:
        """The person behind an `Authorization` header. Refused where the token is not a living one of the tenant's."""
        ...
