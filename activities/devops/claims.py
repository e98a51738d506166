"""Who has a waiting task: of all calls that name its GUIDs, the first one that Azure DevOps confirmed.

A call that was not confirmed never comes here, so that whoever guesses or overhears GUIDs cannot take a task's place.
"""

import json
import logging

from shared.clients import Clients
from shared.codec import encode
from shared.domain import identity
from shared.domain.devops.orders import TaskOrder
from shared.domain.devops.tasks import TaskRef
from shared.domain.failures import Refused
from shared.records import paths as records

_log = logging.getLogger(__name__)


def claim_task(clients: Clients, task: TaskRef, order: TaskOrder, token: str) -> None:
    """Safe to repeat. Refused where another call has the task; one that asks for something else is reported."""
    mine = {"call": task.call, "order": encode(order)}
    state, name = clients.configuration.hub.state, identity.task_id(task.plan, task.job, task.task)
    if clients.hub.create(state, records.task_claim(name), json.dumps(mine).encode()):
        return
    first = json.loads(clients.hub.read(state, records.task_claim(name)) or b"{}")
    if first.get("call") == task.call:
        return
    if first.get("order") == mine["order"]:
        raise Refused(f"task {task.task} is answered already, by a call that asked for the same")
    said = f"another call for task {task.task} asked for something else ({order.kind}); it is refused, the first stands"
    if clients.hub.create(state, records.task_refused(name, task.call), json.dumps(mine).encode()):
        _log.warning("%s", said)
        clients.server_tasks.say(task, token, [said])
    raise Refused(said)
