"""Contracts of data checks on request."""

from dataclasses import dataclass

from shared.contracts.kinds import Activity, Effect, Orchestration


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """*path* (container/path, the content *etag* names) against the contract of *route*, asked for by *asked_by*."""

    key: str
    id: str
    path: str
    etag: str
    route: str
    contract: str
    state: str
    asked_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """*report*: where the whole report lies."""

    outcome: str
    rows: int
    report: str
    summary: tuple[str, ...] = ()


JUDGE_FILE = Activity("judge_file", FileCheck, FileVerdict, Effect.WRITES)
CHECK_HUB_FILE = Orchestration("check_hub_file", FileCheck, FileVerdict)
