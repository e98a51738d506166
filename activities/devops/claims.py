"""Give a waiting task to one call: the first that names its GUIDs and that Azure DevOps has confirmed.

Calls that are not confirmed never get here, so a caller who has guessed or overheard GUIDs cannot take a task.
"""

import logging

from shared.clients import Clients
from shared.domain import identity
from shared.domain.devops.orders import TaskOrder
from shared.domain.devops.tasks import TaskRef
from shared.domain.failures import Refused, Transient
from shared.records.devops import TaskClaim
from shared.records.devops import paths as devops_paths

_log = logging.getLogger(__name__)


def claim_task(clients: Clients, task: TaskRef, order: TaskOrder, token: str) -> None:
    """Safe to repeat. Refused where another call has the task; one that asks for something else is reported."""
    claim = TaskClaim(call=task.call, order=order)
    store, name = clients.store, identity.task_id(task.plan, task.job, task.task)
    if store.create(devops_paths.claim(name), claim):
        return
    first = store.get(TaskClaim, devops_paths.claim(name))
    if first is None:
        raise Transient(f"the claim of task {task.task} was removed while it was made")
    if first.call == claim.call:
        return
    if first.order == claim.order:
        raise Refused(f"task {task.task} is answered already, by a call that asked for the same")
    reason = f"another call for task {task.task} asked for something else ({order.kind})"
    message = f"{reason}; it is refused, the first stands"
    if store.create(devops_paths.refused_claim(name, task.call), claim):
        _log.warning("%s", message)
        clients.server_tasks.say(task, token, [message])
    raise Refused(message)
