"""The warmup trigger: a function that an instance runs once, before anything else reaches it.

It stands alone because it listens to nothing.
"""

from collections.abc import Sequence
from contextlib import suppress

from azure.functions.meta import Datum

from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.invocation import Calls


def warmup(functions: Sequence[Function]) -> Function | None:
    """The one of *functions*. Raises HostError for several, which Azure does not run."""
    if len(functions) > 1:
        names = ", ".join(repr(function.name) for function in functions)
        raise HostError(f"functions {names} have the trigger 'warmupTrigger': an app has one at most")
    return next(iter(functions), None)


async def warm_up(function: Function, calls: Calls) -> None:
    """Run it to its end. An app that cannot be warmed serves all the same; the log has the failure."""
    with suppress(Exception):
        await calls.answer(function, Datum("", "string"))
