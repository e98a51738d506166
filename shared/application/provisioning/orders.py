"""The attempts at an order: which orchestration has the one that counts, and when another may begin.

It stands alone: the door for new requests and the one that resumes ask it.
"""

from shared.domain.failures import Refused
from shared.domain.provisioning.states import ENDED_WELL
from shared.durable.starting import Client, find_instance
from shared.records.provisioning import OrderRecord


def instance_of(order: str, attempt: int) -> str:
    """The orchestration of the attempt at the order called *order*."""
    return order if attempt == 1 else f"{order}-{attempt}"


async def next_attempt(client: Client, record: OrderRecord) -> int:
    """The attempt after one that has stopped, or whose orchestration was ended from outside. Raises Refused."""
    order, state = record.order.id, record.state
    if state in ENDED_WELL:
        raise Refused(f"{order} is {state.value}; only an order that has stopped is resumed")
    # What was told last is no proof that it has stopped: a resumed order says nothing before its plan is made again.
    instance = await find_instance(client, instance_of(order, record.attempt))
    if instance is not None and instance.running:
        raise Refused(f"{order} is at work ({instance.step}); only an order that has stopped is resumed")
    return record.attempt + 1
