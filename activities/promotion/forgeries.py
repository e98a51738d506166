"""Tell of files that are not what a trusted key has signed: they are kept, written to the audit log and announced."""

import hashlib
from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import TypeVar

from activities.effects import once, stamp
from shared import contracts as c
from shared.clients import Clients
from shared.records import paths
from shared.records.statements import ForgedError

S = TypeVar("S", c.StageStep, c.MoveStep, c.RolloutStep)
T = TypeVar("T")


def tells_forgeries(body: Callable[[Clients, S], T]) -> Callable[[Clients, S], T]:
    """*body*, an activity of promotions, which tells of the forgery that ends its work and does nothing more."""

    @wraps(body)
    def guarded(clients: Clients, step: S) -> T:
        try:
            return body(clients, step)
        except ForgedError as forgery:
            tell_forgeries(clients, step.promotion.id, [forgery])
            raise

    return guarded


def tell_forgeries(clients: Clients, subject: str, forgeries: Iterable[ForgedError]) -> None:
    """Each once for its content; the file itself stays where it was found, since it is evidence too."""
    for forgery in forgeries:
        content = clients.store.read_file(forgery.path) or b""
        digest = hashlib.sha256(forgery.path.encode() + b"\0" + content).hexdigest()
        key = f"forgeries/{digest[:32]}"
        copy = paths.forgery(digest)
        clients.store.create_file(copy, content)
        facts = {"path": forgery.path, "because": forgery.because, "copy": copy}
        # Not by way of the ledger, where a planted entry would keep it quiet: the log believes signed entries alone.
        clients.audit.append(key, "forged record refused", subject, "signalbox", facts)
        once(clients, key, c.Done, partial(_announce, clients, key, forgery.path, facts))


def _announce(clients: Clients, key: str, path: str, facts: dict[str, str]) -> c.Done:
    clients.announcer.announce(key, "Signalbox.Record.Forged", f"records/{path}", facts)
    return c.Done(at=stamp(clients))
