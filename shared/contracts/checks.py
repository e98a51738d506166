"""Contracts of data checks on request."""

from dataclasses import dataclass

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Done
from shared.domain.messaging import Asker


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """*path* (container/path, the content *etag* names) against the contract of *route*, asked for by *asked_by*.

    *asker* is there where a message asked for it: *results* is the topic that tells its sender, if there is one.
    """

    key: str
    id: str
    path: str
    etag: str
    route: str
    contract: str
    state: str
    asked_by: str
    asker: Asker | None = None
    results: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """*report*: where the whole report lies."""

    outcome: str
    rows: int
    report: str
    summary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictTelling:
    """For the sender of the message: the verdict, or *because* there is none."""

    key: str
    check: FileCheck
    verdict: FileVerdict | None = None
    because: str = ""


JUDGE_FILE = Activity("judge_file", FileCheck, FileVerdict, Effect.WRITES)
TELL_VERDICT = Activity("tell_verdict", VerdictTelling, Done, Effect.WRITES)
CHECK_HUB_FILE = Orchestration("check_hub_file", FileCheck, FileVerdict)
