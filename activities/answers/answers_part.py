"""A part of the answers of one deployment: its name, and where its files lie in the hub.

It stands alone since judging a part and publishing it both need it.
"""

from dataclasses import dataclass

from shared.domain import identity
from shared.domain.answers.parts import PlannedPart
from shared.domain.answers.rule import PublishedAnswers
from shared.domain.paths import patterns
from shared.domain.promotion.models import ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersPart:
    """A *planned* part of what *deployment*, which ran *model*, was sent and answered."""

    rule: PublishedAnswers
    deployment: str
    model: ModelVersion
    planned: PlannedPart

    @property
    def id(self) -> str:
        """The name of the part; no other part of any endpoint has it."""
        place = identity.digest(self.rule.place, length=8)
        period = self.planned.period.replace("-", "")
        return f"{self.deployment}-{place}-{period}-{self.planned.number:04d}"

    @property
    def folder(self) -> str:
        """CONTAINER/PATH of its files."""
        values = {
            "model": self.model.name,
            "version": self.model.version,
            "deployment": self.deployment,
            "date": self.planned.period[:10],
            "part": self.id,
        }
        return patterns.fill(self.rule.publish, values).rstrip("/")
