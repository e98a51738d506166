"""Published answers across the Durable boundary: the sweep that publishes what online endpoints have collected."""

from dataclasses import dataclass

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Sweep, Swept


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersLook:
    """One look for parts that are due; *key* is the look's own."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersPublished:
    """How many *parts* a look has published; *is_done* where nothing more was due.

    *failed* says which deployments could not be looked at, and why.
    """

    parts: int
    is_done: bool
    failed: tuple[str, ...] = ()


PUBLISH_ANSWERS = Activity("publish_answers", AnswersLook, AnswersPublished, Effect.WRITES)

RECONCILE_ANSWERS = Orchestration("reconcile_answers", Sweep, Swept)
