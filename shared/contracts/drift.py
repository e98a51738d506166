"""Drift's inputs and outputs across the Durable boundary, and its activities and orchestrations."""

from dataclasses import dataclass

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Done, Inference, Sweep, Swept
from shared.domain.drift.rule import DriftOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftCheck:
    """Count a run's rows into the window of `model:version`, or only look at it, where *inference* is None."""

    model: str
    version: str
    inference: Inference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounting:
    key: str
    inference: Inference


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLook:
    model: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowStanding:
    """The open window; *due* says whether it is to be looked at, for the *look*-th time."""

    number: int = 0
    rows: int = 0
    look: int = 0
    due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftJudging:
    key: str
    model: str
    version: str
    number: int
    look: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFound:
    """*report* and *page* are paths in the hub's state container, empty where nothing was looked at."""

    outcome: DriftOutcome
    because: str
    report: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftTelling:
    key: str
    model: str
    version: str
    number: int
    found: DriftFound
    look: int = 0


COUNT_RUN = Activity("count_run", RunCounting, Done, Effect.WRITES)
LOOK_AT_DRIFT = Activity("look_at_drift", WindowLook, WindowStanding, Effect.READS)
JUDGE_DRIFT = Activity("judge_drift", DriftJudging, DriftFound, Effect.WRITES)
TELL_DRIFT = Activity("tell_drift", DriftTelling, Done, Effect.WRITES)
SWEEP_DRIFT = Activity("sweep_drift", Sweep, Swept, Effect.WRITES)

CHECK_DRIFT = Orchestration("check_drift", DriftCheck, DriftFound)
RECONCILE_DRIFT = Orchestration("reconcile_drift", Sweep, Swept)
