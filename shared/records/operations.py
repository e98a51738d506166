"""Records of the app's own running: what failed in a sweep and since when, and what a caller's key has started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.codec import UndecodableError
from shared.records import paths
from shared.records.store import LATER, RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPart:
    """Why a part of a sweep fails, and since when it does."""

    because: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What came of a request with an Idempotency-Key; *request* is the digest of what was asked for.

    It has what was started (*orchestration*, *payload*, *accepted*) or what was answered; neither while an answer is
    being worked out.
    """

    request: str
    orchestration: str | None = field(default=None, metadata=LATER)
    payload: Any = field(default=None, metadata=LATER)
    accepted: dict[str, Any] | None = field(default=None, metadata=LATER)
    answer: Any = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFindings:
    """What does not hold in the audit log, each with the time since when that is known.

    The whole log is read again in turns: *round* is what was found in the turn that is under way.
    """

    findings: dict[str, str] = field(default_factory=dict)
    round: tuple[str, ...] = ()


def log_findings(store: RecordStore) -> LogFindings:
    """What the app's own verification has found; nothing if the record cannot be read."""
    try:
        return store.get(LogFindings, paths.LOG_FINDINGS) or LogFindings()
    except UndecodableError:
        return LogFindings()


def note_log_findings(
    store: RecordStore, problems: Sequence[str], now: str, *, is_reread: bool, is_round: bool
) -> None:
    """Keep *problems* beside those that are known; once a round is whole, what it has not found again is mended."""
    before = log_findings(store)
    findings = before.findings | {problem: now for problem in problems if problem not in before.findings}
    round_problems = tuple(dict.fromkeys([*before.round, *problems])) if is_reread else before.round
    if is_round:
        findings = {problem: since for problem, since in findings.items() if problem in round_problems}
    after = LogFindings(findings=findings, round=() if is_round else round_problems)
    if after != before:
        store.overwrite(paths.LOG_FINDINGS, after)


def failed_parts(store: RecordStore, sweep: str) -> dict[str, FailedPart]:
    """The parts of a sweep that failed when it last ran; none if the record cannot be read."""
    try:
        return store.get(dict[str, FailedPart], paths.failed_parts(sweep)) or {}
    except UndecodableError:
        return {}


def note_failed_parts(store: RecordStore, sweep: str, failures: Mapping[str, str], now: str) -> None:
    """Keep why each part failed, and since when: written only where that has changed."""
    before = failed_parts(store, sweep)
    after = {
        part: FailedPart(because=because, since=before[part].since if part in before else now)
        for part, because in failures.items()
    }
    if after != before:
        store.overwrite(paths.failed_parts(sweep), after)
