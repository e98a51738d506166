"""Inputs and outputs of importing files across the Durable boundary, its activities and its orchestration."""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Done
from shared.domain.inference.routes import HubLayout, Workspace


class ImportOutcome(StrEnum):
    """How an import ended. After *imported* its files lie where the route takes them."""

    IMPORTED = "imported"
    FAILED = "failed"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceImport:
    """Files of *source* to land at *target* (container/path, or container/folder/) for *route*.

    *workspace* is where *source* is looked up if it is a data asset. *sha256* is what the one file must have, if it is
    not empty. *by* is who asked, in words.
    """

    id: str
    route: str
    workspace: Workspace
    hub: HubLayout
    source: str
    target: str
    by: str
    because: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOpening:
    key: str
    execution: str
    request: SourceImport


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOpened:
    already: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStep:
    """One step of an import; what it needs of the steps before is on record."""

    key: str
    request: SourceImport


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFetched:
    """*origin* is where the bytes came from in the end: the last address, or the asset's own."""

    origin: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesLanded:
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """*files* are container/path of what has landed."""

    id: str
    route: str
    outcome: ImportOutcome
    because: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportClosing:
    key: str
    request: SourceImport
    result: ImportResult


IMPORT_SOURCE = Orchestration("import_source", SourceImport, ImportResult)

OPEN_IMPORT = Activity("open_import", ImportOpening, ImportOpened, Effect.WRITES)
FETCH_SOURCE = Activity("fetch_source", ImportStep, SourceFetched, Effect.WRITES)
LAND_FILES = Activity("land_files", ImportStep, FilesLanded, Effect.WRITES)
CLOSE_IMPORT = Activity("close_import", ImportClosing, Done, Effect.WRITES)
