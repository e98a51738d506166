"""Ask an app that may be away for a while: a restart, a deployment or a dropped connection ends no command that waits.

It stands alone since what follows an operation and what watches a run are in rooms of their own.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import click

from signalbox.cli.errors import Unreachable

T = TypeVar("T")

PATIENCE_S = 120.0  # A restart on Azure, with its cold start, takes less.
_AGAIN_AFTER_S = 1.0


def ask_patiently(look: Callable[[], T], ending: str) -> T:
    """What *look* gives, as soon as the app answers; that it does not, and then does, is said on standard error.

    Raises Unreachable, with *ending* as the last words, where it has not answered for PATIENCE_S.
    A refusal is an answer.
    """
    deadline, is_away = time.monotonic() + PATIENCE_S, False
    while True:
        try:
            answer = look()
        except Unreachable as error:
            if time.monotonic() > deadline:
                message = f"the app has not answered for {PATIENCE_S:.0f} s: {error.message}; {ending}"
                raise Unreachable(message) from error
            if not is_away:
                click.echo(f"the app does not answer; it has {PATIENCE_S:.0f} s to come back", err=True)
            is_away = True
            time.sleep(_AGAIN_AFTER_S)  # noqa: TID251 - Polls with a deadline.
            continue
        if is_away:
            click.echo("the app answers again", err=True)
        return answer
