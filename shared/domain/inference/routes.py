"""A route: which files are taken, how they are grouped and checked, who scores them, and where the result goes.

Built by `shared.config` from `signalbox.yaml`, carried whole in a run's input, so that a run finishes by the rules
it started with.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from shared.domain.newer import NEWER
from shared.domain.paths import patterns


class Grouping(StrEnum):
    EACH = "each"  # One run for every file.
    MARKER = "marker"  # A trigger file, or a manifest that names its members, starts one run.
    WINDOW = "window"  # A quiet period, a longest wait or a full window starts one run.
    SCHEDULE = "schedule"  # Files wait until a schedule scores them.


class OnMissingRows(StrEnum):
    FAIL = "fail"
    PARTIAL = "partial"


class OnBadData(StrEnum):
    QUARANTINE = "quarantine"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """*name*: a glob for the trigger file's name; *manifest*: the file is JSON whose `files` lists the members."""

    name: str = "_SUCCESS"
    manifest: bool = False
    wait_s: int = 600  # For members the manifest names and that are not there yet.


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    quiet_s: int = 60
    longest_s: int = 900
    files: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    kind: Grouping = Grouping.EACH
    marker: Marker = field(default_factory=Marker)
    window: Window = field(default_factory=Window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """An environment's Azure ML workspace."""

    name: str
    subscription: str
    resource_group: str
    workspace: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """The same for every environment that is this workspace: Azure's names have no case."""
        return self.subscription.lower(), self.resource_group.lower(), self.workspace.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """The endpoint that scores, batch or *online*, and the model that it must be running.

    A pin names *deployment* and *version*. A route that *follows* its endpoint names neither: each of its runs asks
    once which deployment is the default (of an online endpoint: which has most of the traffic), and carries it in them.
    """

    workspace: Workspace
    endpoint: str
    model: str
    deployment: str = ""
    version: str = ""
    follows: bool = field(default=False, metadata=NEWER)
    online: bool = field(default=False, metadata=NEWER)

    @property
    def is_open(self) -> bool:
        """Whether it still has to be asked what scores."""
        return self.follows and not self.deployment

    @property
    def scored_model(self) -> str:
        """`name:version`; the name alone while the version is open."""
        return f"{self.model}:{self.version}" if self.version else self.model

    @property
    def address(self) -> str:
        """Where it scores, for people."""
        place = f"{self.workspace.name}/{self.endpoint}"
        return f"{place} (its default deployment)" if self.is_open else f"{place}/{self.deployment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Settings of the batch job; None leaves the deployment's own. Times are seconds; *compute* is a cluster's name."""

    instance_count: int | None = None
    mini_batch_size: int | None = None
    error_threshold: int | None = None
    retries: int | None = None
    timeout_s: int | None = None
    output_file_name: str = "predictions.csv"
    compute: str | None = field(default=None, metadata=NEWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideLimits:
    """How far one run may depart from its route's settings, as somebody asks; None not at all. Times are seconds.

    *node_hour* is the price of an instance for an hour, 0 where none is configured.
    """

    instance_count: int | None = None
    mini_batch_size: int | None = None
    error_threshold: int | None = None
    retries: int | None = None
    timeout_s: int | None = None
    computes: tuple[str, ...] = ()
    node_hour: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HubLayout:
    """The containers of the Data Hub that Signalbox writes to; *datastore* is the Azure ML name of *staging*.

    *audit* is the container of the audit log, beside that of the records; empty where the log lies among them.
    """

    account: str
    state: str = "signalbox"
    staging: str = "signalbox-staging"
    datastore: str = "hub_staging"
    quarantine: str = "quarantine"
    dead_letters: str = "dead-letters"
    audit: str = field(default="", metadata=NEWER)
    results: str = ""  # The topic that hears what becomes of every run, if there is one.

    @property
    def reserved(self) -> frozenset[str]:
        """The containers whose arrivals never start anything."""
        return frozenset(filter(None, {*self.records, self.staging, self.quarantine, self.dead_letters}))

    @property
    def records(self) -> tuple[str, ...]:
        """The containers of the app's own records, which may be in an account of their own."""
        return (self.state, self.audit) if self.audit else (self.state,)

    def address(self, folder: str) -> str:
        """A folder of staging as Azure ML names it."""
        return f"azureml://datastores/{self.datastore}/paths/{folder}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionContract:
    """The data contract of one version of a model."""

    version: str
    contract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of `routes`; *contract* is a path beside the configuration, *publish* a path template in the hub.

    *contracts* are those of versions whose data differs: the version that scores decides. *output_contract* judges the
    predictions before they are published; without one they are not judged. *input_asset* is the data asset of which
    each run's accepted input becomes a version; empty where none does.
    """

    name: str
    take: str
    contract: str
    score: Scoring
    publish: str
    group: Group = field(default_factory=Group)
    overrides: Overrides = field(default_factory=Overrides)
    give_up_after_s: int = 7200
    release_within_s: int = 14 * 86400
    on_bad_data: OnBadData = OnBadData.QUARANTINE
    on_missing_rows: OnMissingRows = OnMissingRows.FAIL
    match_keys: bool = True  # Whether output is matched with the rows by the contract's keys, where it shows them.
    tell: tuple[str, ...] = ()
    contracts: tuple[VersionContract, ...] = field(default=(), metadata=NEWER)
    output_contract: str = field(default="", metadata=NEWER)
    limits: OverrideLimits = field(default=OverrideLimits(), metadata=NEWER)
    input_asset: str = field(default="", metadata=NEWER)

    def scored_by(self, score: Scoring) -> "Route":
        """This route for a run that *score* scores, with the contract of that version."""
        own = (own.contract for own in self.contracts if own.version == score.version)
        return replace(self, score=score, contract=next(own, self.contract))

    def captures(self, location: str) -> dict[str, str] | None:
        """What *location* gives this route, or None where the route does not take it."""
        return patterns.match(self.take, location)

    def marked(self, location: str) -> bool:
        """Whether *location* is this route's trigger file: its name fits, and it lies where members can lie."""
        folder, _, name = location.rpartition("/")
        return patterns.match(self.group.marker.name, name) is not None and self._folder(folder) is not None

    def group_key(self, location: str) -> dict[str, str]:
        """The captures that files of one group share: those of the folders, not of the file's name."""
        return self._folder(location.rpartition("/")[0]) or {}

    def _folder(self, folder: str) -> dict[str, str] | None:
        return patterns.match(f"{self.take.rpartition('/')[0]}/", f"{folder}/")  # `**/` also takes no folder at all.
