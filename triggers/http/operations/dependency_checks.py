"""Each dependency asked whether it answers, at once and for a few seconds; one that hangs holds up nothing else.

A client that never answers keeps its thread. So pings have their own threads, and one that still hangs is waited
for again instead of being joined by another.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from shared.domain.failures import Refused, Transient

PATIENCE_S = 5.0

_hanging: dict[str, Future[object]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """*error* is empty where the dependency answered."""

    name: str
    ready: bool
    took_ms: float
    error: str = ""


async def ping(name: str, look: Callable[[], object], patience_s: float) -> Dependency:
    """Whether *look* returns within *patience_s* seconds; what it raised or that it did not, where it is not ready."""
    begin, error = time.monotonic(), ""
    answer = _hanging.get(name) or _start_look(name, look)
    try:
        # Shielded, since the timeout must end this wait and not the look, which the next ping joins.
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(answer)), patience_s)
    except TimeoutError:
        error = f"no answer within {patience_s:.0f} s"
    except (Refused, Transient) as failure:
        error = str(failure).splitlines()[0][:300]
    except Exception as failure:  # A client may raise anything; the others are asked all the same.
        error = type(failure).__name__
    took_ms = round((time.monotonic() - begin) * 1000, 1)
    return Dependency(name=name, ready=not error, took_ms=took_ms, error=error)


def _start_look(name: str, look: Callable[[], object]) -> Future[object]:
    answer = _hanging[name] = Future[object]()

    def run() -> None:
        try:
            answer.set_result(look())
        except Exception as failure:
            answer.set_exception(failure)
        finally:
            _hanging.pop(name, None)

    # A daemon, so that a client that never answers does not keep the worker alive.
    threading.Thread(target=run, name=f"ping {name}", daemon=True).start()
    return answer
