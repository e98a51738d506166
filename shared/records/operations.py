"""Records of the app's own running: what failed in a sweep and since when, and what a caller's key has started.

Also the configurations that it was found with, and events that started nothing, a line for each in the log of its
day: when it came, from where, and why it was ignored. Nothing secret is kept of them: what looks like a signature, a
key or a token is taken out before it is written.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shared.codec import UndecodableError, decode, encode
from shared.domain.access.redaction import without_secrets
from shared.domain.configuration_changes import content_of
from shared.domain.promotion.audit import canonical_digest
from shared.records import paths
from shared.records.line_logs import LinePlace, append_line, lines_before
from shared.records.store import LATER, RecordStore, read_json

_MOST_SEEN = 1000  # Configurations that are remembered.


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationSeen:
    """A configuration that the app was found with, and when it first was."""

    digest: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationLog:
    """The newest first. One that comes back has an entry of its own."""

    seen: tuple[ConfigurationSeen, ...] = ()


def configurations_seen(store: RecordStore) -> tuple[ConfigurationSeen, ...]:
    """The configurations that the app was found with, the newest first."""
    log = store.get(ConfigurationLog, paths.CONFIGURATION_LOG)
    return log.seen if log else ()


def note_configuration(store: RecordStore, configuration: object, now: str) -> None:
    """Keep what *configuration* says, without secrets, unless it is the newest one that is known."""
    content = without_secrets(content_of(configuration))
    entry = ConfigurationSeen(digest=canonical_digest(content), at=now)

    def changed(log: ConfigurationLog | None) -> ConfigurationLog | None:
        seen = log.seen if log else ()
        return None if seen and seen[0].digest == entry.digest else ConfigurationLog(seen=(entry, *seen)[:_MOST_SEEN])

    if changed(store.get(ConfigurationLog, paths.CONFIGURATION_LOG)) is not None:
        store.create_document(paths.configuration(entry.digest), content)  # Before the entry that names it.
        store.change(ConfigurationLog, paths.CONFIGURATION_LOG, changed)


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


_LONGEST_TEXT = 1200  # Of a subject, which has a container and a blob's name, and of a reason.


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredEvent:
    """An event that started nothing: *at* it was taken in, *reason* says why nothing followed.

    *source* and *type* are those of its envelope; records of earlier releases do not have them.
    """

    event: str
    subject: str
    at: str
    reason: str
    source: str = ""
    type: str = ""


def note_ignored(store: RecordStore, day: date, event: IgnoredEvent) -> None:
    """Add *event* to the log of *day*, without secrets and with texts of a bounded length."""
    longest = {"event": 256, "type": 128, "source": 512}
    texts = {name: text[: longest.get(name, _LONGEST_TEXT)] for name, text in without_secrets(encode(event)).items()}
    append_line(store.hub, store.container, paths.ignored(day.isoformat()), json.dumps(texts, sort_keys=True).encode())


def ignored_events(
    store: RecordStore, day: date | None = None, place: LinePlace | None = None
) -> Iterator[tuple[LinePlace, IgnoredEvent]]:
    """The ignored events, the newest first, each with its place: of *day* where it is given, and before *place*."""
    prefix = paths.ignored_events(day.isoformat() if day else "")
    for line_place, line in lines_before(store.hub, store.container, prefix, place):
        yield line_place, _event(line)


def _event(line: bytes) -> IgnoredEvent:
    try:
        return decode(IgnoredEvent, without_secrets(read_json(line)))  # Older lines may have been written with secrets.
    except UndecodableError:
        return IgnoredEvent(event="", subject="", at="", reason="its record cannot be read")
