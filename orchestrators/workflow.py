"""The end that inference, promotion and retraining share: whatever happens after a run was opened, it is concluded.

A module of its own, so that the three cannot differ in what they take for a failure. What a run does, what has to be
cleaned up after it, and what is recorded of it, is in the workflow's own module.
"""

from collections.abc import Callable
from typing import TypeVar

from shared.domain.failures import Refused
from shared.durable.context import Steps
from shared.durable.failures import StepFailed

Result = TypeVar("Result")


def carry_to_end(
    run: Steps[Result],
    failed_result: Callable[[str], Result],
    conclude: Callable[[Result], Steps[Result]],
    clean_up: Callable[[Result], Steps[None]] | None = None,
) -> Steps[Result]:
    """Carry an opened *run* to its result, and return that as *conclude* has recorded it.

    A refusal, or a step that gave up, has a result too: *failed_result* makes it of the reason, and *clean_up* runs
    after it. Any other exception is our own fault; it ends the orchestration, so that people see it as a fault.
    """
    try:
        result = yield from run
    except (Refused, StepFailed) as failure:
        result = failed_result(str(failure))
        if clean_up is not None:
            yield from clean_up(result)
    return (yield from conclude(result))


def conclude_orphan(
    opening: Steps[object],
    ending: Steps[None] | None,
    conclude: Callable[[Result], Steps[Result]],
    result: Result,
) -> Steps[Result]:
    """End a run whose orchestration is gone: open it, since it may have ended before that, and conclude it.

    Its first steps are repeated under their own keys, so that what it had done is found, and not done again.
    """
    yield from opening
    if ending is not None:
        yield from ending
    return (yield from conclude(result))
