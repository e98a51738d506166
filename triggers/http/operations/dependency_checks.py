"""Each dependency asked whether it answers, at once and for a few seconds; one that hangs holds up nothing else.

A client that never answers keeps its thread. Hence the threads are the pings' own, and one that still hangs is waited
for again instead of being joined by another.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from shared.domain.failures import Refused, Transient
from triggers.http.responses.system import Dependency

PATIENCE_S = 5.0

_hanging: dict[str, Future[object]] = {}


async def ping(name: str, look: Callable[[], object], patience_s: float) -> Dependency:
    begun, error = time.monotonic(), ""
    asked = _hanging.get(name) or _begun(name, look)
    try:
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(asked)), patience_s)
    except TimeoutError:
        error = f"no answer within {patience_s:.0f} s"
    except (Refused, Transient) as failure:
        error = str(failure).splitlines()[0][:300]
    except Exception as failure:  # Whatever a client raises, the others are still asked.
        error = type(failure).__name__
    took_ms = round((time.monotonic() - begun) * 1000, 1)
    return Dependency(name=name, ready=not error, took_ms=took_ms, error=error)


def _begun(name: str, look: Callable[[], object]) -> Future[object]:
    asked = _hanging[name] = Future[object]()

    def run() -> None:
        try:
            asked.set_result(look())
        except Exception as failure:
            asked.set_exception(failure)
        finally:
            _hanging.pop(name, None)

    threading.Thread(target=run, name=f"ping {name}", daemon=True).start()
    return asked
