"""Tell of files that are not what a trusted key has signed: they are kept, written to the audit log and announced."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from activities.effects import Alarm, raise_alarm
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.records import paths
from shared.records.statements import ForgedError


@contextmanager
def telling_forgeries(clients: Clients, subject: str) -> Iterator[None]:
    """Tell of the forgery that ends what is done within, and let it end."""
    try:
        yield
    except ForgedError as forgery:
        tell_forgeries(clients, subject, [forgery])
        raise


def tell_refused(clients: Clients, order: Any, refusal: Refused) -> None:
    """Tell of the forgery that ended an activity with this *order*; any other refusal is left to its caller."""
    if isinstance(refusal, ForgedError):
        promotion = getattr(order, "promotion", None)
        tell_forgeries(clients, getattr(promotion, "id", "signalbox"), [refusal])


def tell_forgeries(clients: Clients, subject: str, forgeries: Iterable[ForgedError]) -> None:
    """Each once for its content; the file itself stays where it was found, since it is evidence too."""
    for forgery in forgeries:
        content = clients.store.read_file(forgery.path) or b""
        # With the path, so that one file which was planted at two places is told of twice. The zero byte, which no path
        # has, keeps path and content apart.
        digest = hashlib.sha256(forgery.path.encode() + b"\0" + content).hexdigest()
        copy = paths.forgery(digest)
        clients.store.create_file(copy, content)
        alarm = Alarm(
            key=f"forgeries/{digest[:32]}",
            kind="forged record refused",
            subject=subject,
            event="Signalbox.Record.Forged",
            about=f"records/{forgery.path}",
            facts={"path": forgery.path, "because": forgery.because, "copy": copy},
        )
        raise_alarm(clients, alarm)
