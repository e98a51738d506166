"""Inputs and outputs of publishing a data set across the Durable boundary, its activities and its orchestration."""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Done, Sweep, Swept
from shared.domain.datasets.rules import DatasetRules
from shared.domain.inference.routes import HubLayout


class PublicationOutcome(StrEnum):
    """How a publication ended. Only the first made a version; *already*: the version has the same content."""

    PUBLISHED = "published"
    ALREADY = "already published"
    CONFLICT = "conflict"
    BAD_DATA = "bad data"
    FAILED = "failed"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageLink:
    """What a data set was made from: a run, a file of the hub or a published version, and its digest or eTag then."""

    kind: str
    name: str
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPublication:
    """A version to be made from *source*, container/folder/ of the hub, as *snapshot* has named its files.

    *by* is who asked, in words; *note* is theirs.
    """

    id: str
    rules: DatasetRules
    version: str
    hub: HubLayout
    source: str
    snapshot: str
    by: str
    note: str = ""
    lineage: tuple[LineageLink, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetOpening:
    key: str
    execution: str
    request: DatasetPublication


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetOpened:
    already: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetStep:
    """One step of a publication; what it needs of the steps before is on record."""

    key: str
    request: DatasetPublication


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetStaged:
    """*content* names the staged files together."""

    files: int
    bytes: int
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetChecked:
    """*rows* of a table, or images with boxes; *problems* say why nothing may be published."""

    rows: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPromoted:
    """*folder* is that of the version which counts, whichever publication made it."""

    outcome: PublicationOutcome
    because: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRegistration:
    key: str
    request: DatasetPublication
    workspace: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationResult:
    """*registered* are the environments that have the version as a data asset; *unregistered* say why others do not."""

    id: str
    name: str
    version: str
    outcome: PublicationOutcome
    because: str = ""
    rows: int = 0
    registered: tuple[str, ...] = ()
    unregistered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetClosing:
    key: str
    request: DatasetPublication
    result: PublicationResult


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanedPublication:
    """A publication whose orchestration is gone, and how it ended; without *result* it has a version to be finished."""

    request: DatasetPublication
    result: PublicationResult | None = None


PUBLISH_DATASET = Orchestration("publish_dataset", DatasetPublication, PublicationResult)

CONCLUDE_PUBLICATION = Orchestration("conclude_publication", OrphanedPublication, Done)
RECONCILE_DATASETS = Orchestration("reconcile_datasets", Sweep, Swept)

SWEEP_PUBLICATIONS = Activity("sweep_publications", Sweep, Swept, Effect.WRITES)
OPEN_PUBLICATION = Activity("open_publication", DatasetOpening, DatasetOpened, Effect.WRITES)
STAGE_DATASET = Activity("stage_dataset", DatasetStep, DatasetStaged, Effect.WRITES)
CHECK_DATASET = Activity("check_dataset", DatasetStep, DatasetChecked, Effect.WRITES)
PROMOTE_DATASET = Activity("promote_dataset", DatasetStep, DatasetPromoted, Effect.WRITES)
REGISTER_DATASET = Activity("register_dataset", DatasetRegistration, Done, Effect.WRITES)
DISCARD_DATASET = Activity("discard_dataset", DatasetStep, Done, Effect.WRITES)
CLOSE_PUBLICATION = Activity("close_publication", DatasetClosing, Done, Effect.WRITES)
