"""What becomes of a run, and the few decisions taken on the way: how long to wait, whether rows are missing."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.counts import counted
from shared.domain.inference.routes import OnMissingRows


class RunOutcome(StrEnum):
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    HELD = "held"  # Its predictions broke the output contract, and nobody released them.
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  # Every member was overwritten before it could be pinned.
    DUPLICATE = "duplicate"  # Another execution of the same run has done the work.


class JobState(StrEnum):
    """The phases of an Azure ML job that matter here; its twelve statuses map onto them."""

    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


_FINAL = {
    "Completed": JobState.COMPLETED,
    "Succeeded": JobState.COMPLETED,
    "Failed": JobState.FAILED,
    "NotResponding": JobState.FAILED,
    "Canceled": JobState.CANCELLED,
}


def job_state(status: str) -> JobState:
    """The phase of an Azure ML job *status* (Microsoft.MachineLearningServices JobStatus); unknown ones are active."""
    return _FINAL.get(status, JobState.ACTIVE)


POLLS_PER_SEGMENT = 20  # About seven history events each: a segment stays well under 200.
_FIRST_POLL_S, _LONGEST_POLL_S, _GROWTH = 1.0, 600.0, 1.6


def poll_delay_s(poll: int, instance: str) -> float:
    """Seconds before poll number *poll* (from 0): exponential, capped at ten minutes, with up to 20 % of jitter.

    The jitter comes from the instance id, so that replay sees the same delay and a thousand jobs do not poll together.
    """
    # The longest delay is reached at poll 14 (1.6^14 = 721). The bound on the exponent keeps a wait of months from
    # overflowing a float, which raises.
    growth: float = _FIRST_POLL_S * _GROWTH ** min(poll, 20)
    fraction = int.from_bytes(hashlib.sha256(f"{instance}:{poll}".encode()).digest()[:4]) / 2**32
    return round(min(_LONGEST_POLL_S, growth) * (1 - 0.2 * fraction), 3)


def failure_delay_s(failures: int, asked_s: float = 0.0, longest_s: float = 300.0) -> float:
    """Seconds until a service is asked again, after *failures* failures in a row; longer where it asks for longer."""
    return max(asked_s, min(longest_s, 5.0 * 2.0 ** min(failures - 1, 10)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMatch:
    """How the *records* of each output file answer the rows that went in.

    *by* names the keys that both sides were compared by, none where records were only counted. The counts below are of
    keys, with *examples* by `missing`, `repeated` and `unknown`. *shown_by* says which fields were taken for keys.
    """

    records: dict[str, int]
    by: tuple[str, ...] = ()
    shown_by: tuple[str, ...] = ()
    rows: int = 0
    missing: int = 0
    repeated: int = 0
    unknown: int = 0
    examples: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def rows_out(self) -> int:
        return sum(self.records.values())

    @property
    def differs(self) -> bool:
        return bool(self.missing or self.repeated or self.unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """Rows of data (headers excluded) that went in, and records that came out."""

    rows_in: int
    rows_out: int


def judge_rows(
    count: RowCount, policy: OnMissingRows, error_threshold: int | None = None, match: RowMatch | None = None
) -> tuple[RunOutcome, str]:
    """Whether every row has its prediction, and the sentence that says so; a gap is never silent.

    *error_threshold* is the number of files the completed job let fail: -1 any number, None the deployment's own.
    Without a *match* by keys the sentence says lines, which nobody can tell apart.
    """
    if match is not None and match.by and match.rows == count.rows_in:
        return _judge_keys(match, policy, error_threshold)
    missing = count.rows_in - count.rows_out
    lines = f"{counted(count.rows_out, 'line')} of output for {counted(count.rows_in, 'row')}"
    if missing == 0:
        return RunOutcome.COMPLETED, f"{lines}; no key of the data shows in them, so they were counted, not matched"
    if missing < 0:
        return RunOutcome.FAILED, f"{lines}: {-missing} too many; the scoring script must return one row per input row"
    return _judge_gap(f"{lines}: {missing} missing", count.rows_out == 0, policy, _suspect(error_threshold))


def _judge_keys(match: RowMatch, policy: OnMissingRows, error_threshold: int | None) -> tuple[RunOutcome, str]:
    answered_rows = match.rows - match.missing
    rows = counted(match.rows, "row has", "rows have")
    sentence = f"{answered_rows} of {rows} a prediction, matched by {', '.join(match.by)}"
    if not match.differs:
        return RunOutcome.COMPLETED, sentence
    differences = [
        f"{count} {kind}"
        for kind, count in (("missing", match.missing), ("repeated", match.repeated), ("unknown", match.unknown))
        if count
    ]
    sentence = f"{sentence}: {', '.join(differences)}"
    if match.rows_out > match.rows:
        return RunOutcome.FAILED, f"{sentence}; the scoring script must return one row per input row"
    if match.repeated or match.unknown:
        cause = "the scoring script must return each row's own key"
        if match.shown_by:
            cause += f"; where {', '.join(match.shown_by)} of a line is no key, set the route's policy `match: lines`"
    else:
        cause = _suspect(error_threshold)
    return _judge_gap(sentence, not answered_rows, policy, cause)


def _judge_gap(sentence: str, is_empty: bool, policy: OnMissingRows, cause: str) -> tuple[RunOutcome, str]:
    if is_empty or policy is OnMissingRows.FAIL:
        return RunOutcome.FAILED, f"{sentence}; {cause}"
    return RunOutcome.PARTIAL, f"{sentence}, published as partial by policy; {cause}"


def _suspect(error_threshold: int | None) -> str:
    """Where the missing rows of a completed job must have gone: beyond its threshold the job would have failed."""
    if error_threshold == 0:
        return "no file may fail (error threshold 0), so the scoring script returned fewer rows than it read"
    may = {None: "as many files as the deployment says", -1: "any number of files"}
    allowance = may.get(error_threshold, f"up to {counted(error_threshold or 0, 'file')}")
    return (
        f"{allowance} may fail in a completed job, and its log names the mini-batches that did; where it names none, "
        "the scoring script returned fewer rows than it read"
    )
