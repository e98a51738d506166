"""A run's timeline: the stage that a record is of.

Stage > Checkpoint > Checkpoint.Approval or Checkpoint.TaskCheck, and Stage > Phase > Job > Task. The record of an
approval has the approval's own id; that a check's has its task's is not documented, so nothing rests on it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.devops.tasks import TaskRef

_APPROVAL, _CHECK = "Checkpoint.Approval", "Checkpoint.TaskCheck"
_DEPTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStage:
    """The id of its record and its name; both empty where it is not known."""

    id: str = ""
    name: str = ""


class Timeline:
    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self._records = {str(record.get("id", "")).lower(): record for record in records}

    def approvals(self) -> list[tuple[str, PipelineStage]]:
        """Every approval that the run has come to, with the stage that it keeps waiting."""
        return [
            (name, self.stage_of(name)) for name, record in self._records.items() if record.get("type") == _APPROVAL
        ]

    def stage_of(self, record: str) -> PipelineStage:
        name = record.lower()
        for _ in range(_DEPTH):
            ancestor = self._records.get(name, {})
            if ancestor.get("type") == "Stage":
                return PipelineStage(id=name, name=str(ancestor.get("identifier") or ancestor.get("name") or ""))
            name = str(ancestor.get("parentId") or "").lower()
        return PipelineStage()

    def waits_in(self, task: TaskRef) -> PipelineStage:
        """The stage whose check waits, if it is the only one; a check's record need not have the task's id."""
        for name in (task.task, task.job):
            if (stage := self.stage_of(name)).id:
                return stage
        check_ids = {
            name for name, record in self._records.items() if record.get("type") == _CHECK and _is_unfinished(record)
        }
        stages = {self.stage_of(name) for name in check_ids}
        return stages.pop() if task.hub == "checks" and len(stages) == 1 else PipelineStage()


def _is_unfinished(record: Mapping[str, Any]) -> bool:
    return str(record.get("state", "")) != "completed"
