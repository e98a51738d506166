"""The product, whose host dies by SIGKILL at the moments that DIE_AT names, at each of them once.

`NAME` is when activity NAME has done its work and nobody knows; `ledger STEP` when the effect STEP of a run is done and
not recorded; `before MOVE` and `after MOVE` of a promotion are around its effect (`undo MOVE`: around its undo). The
folder DEATHS remembers which of them have been.
"""

import importlib.util
import inspect
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from activities.promotion import moves
from shared.adapters.azure_storage.ledger import BlobLedger
from shared.durable import registration

_WANTED = set(os.environ["DIE_AT"].split(","))
_DEATHS = Path(os.environ["DEATHS"])
_load, _record = registration.load, BlobLedger.record


def die(moment: str) -> None:
    if moment not in _WANTED:
        return
    try:
        (_DEATHS / moment).touch(exist_ok=False)
    except FileExistsError:
        return
    # By somebody else: a process that kills itself twice in one activity is blamed for it, and the activity is failed.
    subprocess.run(["kill", "-KILL", str(os.getpid())], check=False)
    threading.Event().wait()


def load(function: Callable[..., Any]) -> Callable[..., Any]:
    body = _load(function)
    return _deadly(body.__name__, body) if body.__module__.startswith("activities.") else body


def _deadly(name: str, body: Callable[..., Any]) -> Callable[..., Any]:
    def done(*given: Any) -> Any:
        result = body(*given)
        die(name)
        return result

    async def done_later(*given: Any) -> Any:
        result = await body(*given)
        die(name)
        return result

    return done_later if inspect.iscoroutinefunction(body) else done


def record(ledger: BlobLedger, key: str, result: Mapping[str, Any]) -> dict[str, Any]:
    die(f"ledger {key.rpartition('/')[2]}")
    return _record(ledger, key, result)


class MortalMover:
    """A mover around whose effects the host dies. The steps of a rollout are moves of their own: `shift_traffic 1`."""

    def __init__(self, name: str, mover: Any) -> None:
        self._name, self._mover = name, mover

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mover, name)

    def advance(self, clients: Any, order: Any) -> str:
        name = f"{self._name} {order.step}" if self._name == "shift_traffic" else self._name
        die(f"before {name}")
        waiting = self._mover.advance(clients, order)
        die(f"after {name}")
        return str(waiting)

    def undo(self, clients: Any, order: Any, before: Mapping[str, Any]) -> str:
        die(f"before undo {self._name}")
        waiting = self._mover.undo(clients, order, before)
        die(f"after undo {self._name}")
        return str(waiting)


for _move, _mover in moves.MOVERS.items():
    moves.MOVERS[_move] = MortalMover(_move.value, _mover)
registration.load, BlobLedger.record = load, record  # type: ignore[method-assign]
_spec = importlib.util.spec_from_file_location("the_product", Path(__file__).parents[2] / "function_app.py")
assert _spec is not None
assert _spec.loader is not None
_product = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_product)
app = _product.app
