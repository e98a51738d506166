"""For whom a request asks: the person who calls, or the one whose token a machine shows. Four eyes rest on it."""

import asyncio

from shared.domain.access.callers import Caller
from shared.domain.failures import Refused
from triggers.http.door import Call
from triggers.http.problems import Problem


async def person_behind(call: Call) -> Caller | None:
    """None where a machine asks for nobody. Raises Problem where the token that it shows is not accepted."""
    try:
        return await asyncio.to_thread(call.clients.callers.asker, call.caller, call.req.headers)
    except Refused as refusal:
        raise Problem(401, "who are you", str(refusal)) from refusal


def named(caller: Caller, person: Caller | None) -> str:
    """Who asks, in words: a machine is named beside the person for whom it asks."""
    if person is None:
        return f"{caller.name} (a machine, for nobody)"
    return person.name if person == caller else f"{person.name} (through {caller.name})"
