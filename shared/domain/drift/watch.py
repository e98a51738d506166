"""How a model is watched: which routes, how rows are gathered into windows, when one is looked at, and what follows.

A window is looked at as its rows double, or at intervals; its alpha is shared out over all the looks it can have, so
that looking often makes no false alarms. It closes when it is full, old, or has shown drift; the next starts empty.
A clock that goes back makes no look more than alpha is shared for, and no wait longer than twice what it is for.
"""

import math
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.drift.rule import DriftOutcome, DriftRule


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputField:
    """The model's output in the lines it writes: *name* in the reference, *field* counted from 1, -1 the last."""

    name: str
    field: int = -1
    delimiter: str = " "


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Where rows with known answers lie, the newest file below *path* (CONTAINER/PREFIX), and the column *target*."""

    path: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftWatch:
    """*routes* are watched (all that score the model where empty), and with *answers* what is collected of online
    endpoints. *every_s* is 0 for a look after runs.

    *sources* are names of data drift monitors, model monitors and alert rules whose events mean this model;
    *coefficient* is the DriftCoefficient from which a v1 event counts.
    """

    model: str
    rule: DriftRule = field(default_factory=DriftRule)
    routes: tuple[str, ...] = ()
    every_s: int = 0
    rows: int = 10_000
    longest_s: int = 30 * 86400
    output: OutputField | None = None
    labels: Labels | None = None
    retrain: bool = True
    tell: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    coefficient: float = 0.0
    answers: bool = True

    def counts_answers_of(self, model: str) -> bool:
        """Whether the collected answers of *model* are counted."""
        return self.answers and model == self.model

    def watches(self, route: str, model: str) -> bool:
        return model == self.model and (not self.routes or route in self.routes)

    @property
    def thresholds(self) -> tuple[int, ...]:
        """The rows at which a window is looked at: twice as many each time, the last when it is full."""
        first = min(self.rule.minimum_rows, self.rows)
        # Rows double between looks, so that a window has few of them: each look takes an equal part of alpha.
        doublings = math.ceil(math.log2(max(1, self.rows / first)))
        return (*(first * 2**step for step in range(doublings)), self.rows)

    @property
    def looks(self) -> int:
        """How often a window may be looked at, the last look of an old one included."""
        return math.ceil(self.longest_s / self.every_s) + 1 if self.every_s else len(self.thresholds) + 1

    def false_alarm_rate(self, windows: int) -> float:
        """The probability, at most, that one of *windows* windows or more raises a false alarm: alpha bounds one."""
        return 1 - (1 - self.rule.alpha) ** windows

    @property
    def rule_of_a_look(self) -> DriftRule:
        """Every look has its part of alpha (Bonferroni); of that, relevance has half where there are labels."""
        # Bonferroni needs no assumption on how the looks depend on each other; they share rows, so they do. It is
        # conservative.
        return replace(self.rule, alpha=self.rule.alpha / self.looks / (2 if self.labels else 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftWindow:
    """A window's record: *runs* are counted in it, *before* were in the one before; times are ISO 8601 UTC."""

    number: int
    opened: str
    reference: str
    rows: int = 0
    runs: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    looks: int = 0
    looked: str = ""
    looked_rows: int = 0
    closed: str = ""
    outcome: str = ""
    because: str = ""

    def has(self, run: str) -> bool:
        return run in self.runs or run in self.before

    def look_due(self, watch: DriftWatch, now: datetime) -> bool:
        """Whether there are new rows and the next look is due."""
        if self.closed or self.rows <= self.looked_rows:
            return False
        if self.rows >= watch.rows or _has_passed(watch.longest_s, self.opened, now):
            return True
        if watch.every_s:
            return _has_passed(watch.every_s, self.looked or self.opened, now)
        return any(self.looked_rows < threshold <= self.rows for threshold in watch.thresholds)

    def expired(self, watch: DriftWatch, now: datetime) -> bool:
        """Whether it is too old to go on, and nothing in it is left to look at."""
        return not self.closed and _has_passed(watch.longest_s, self.opened, now) and self.rows <= self.looked_rows

    def looked_at(
        self, watch: DriftWatch, now: datetime, rows: int, outcome: DriftOutcome, because: str
    ) -> "DriftWindow":
        """After a look at *rows* rows."""
        full = rows >= watch.rows or self.looks + 1 >= watch.looks
        # A drifted window ends at once: one that went on would find the same rows again at each look.
        over = outcome is DriftOutcome.DRIFTED or full or _has_passed(watch.longest_s, self.opened, now)
        return replace(
            self,
            looks=self.looks + 1,
            looked=now.isoformat(),
            looked_rows=rows,
            closed=now.isoformat() if over else "",
            outcome=outcome.value,
            because=because,
        )

    def following(self, now: datetime) -> "DriftWindow":
        """The window after this one."""
        return DriftWindow(number=self.number + 1, opened=now.isoformat(), reference=self.reference, before=self.runs)


def _has_passed(seconds: float, since: str, now: datetime) -> bool:
    """Whether *seconds* have passed. A time further ahead was written by a clock that was wrong."""
    return abs((now - datetime.fromisoformat(since)).total_seconds()) >= seconds
