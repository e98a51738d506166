"""Why a model may have to be retrained: facts from events, schedules, detectors and people, each recorded once.

A cause decides nothing by itself; `shared.domain.retraining.decision` weighs all of them together.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain.promotion.people import PersonId


class CauseKind(StrEnum):
    DATA = "data"  # Enough new training data has come, or it has waited long enough.
    SCHEDULE = "schedule"
    DRIFT = "drift"
    ALERT = "alert"  # Of Azure Monitor.
    PERSON = "person"
    PIPELINE = "pipeline"  # Azure DevOps, or another machine that calls the API.


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """*id* is the same if the same fact is reported again; *who* is the verified name of a person who asked.

    *person* may not approve the result. *facts* are small texts for the record, such as a drift
    coefficient or the due time of a schedule.
    """

    id: str
    model: str
    kind: CauseKind
    at: datetime
    because: str
    who: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    person: PersonId | None = None

    @property
    def nameless(self) -> bool:
        """Whether a machine asked that named no person."""
        return self.kind is CauseKind.PIPELINE and self.person is None
