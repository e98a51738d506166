"""What Azure DevOps may send: the body of a task or a check. Hooks are read by `shared.domain.devops.hooks`."""

from dataclasses import dataclass

from shared.domain.devops.orders import OrderKind
from shared.validation.rules import OptionalName, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAsked:
    """Either *start*, with what that kind of start needs, or *follow* with the id of a run or a promotion."""

    start: OrderKind | None = None
    follow: OptionalName = ""
    model: OptionalName = ""
    to: OptionalName = ""
    source: OptionalName = ""
    path: OptionalName = ""
    route: OptionalName = ""
    reason: Sentence = ""
