"""Event Grid and CloudEvents envelopes to domain events: the last place with vendor field names.

Read tolerantly: keys in any case, eTags bare or quoted, the path from `subject`. Only committed writes count.
Contracts: Microsoft.Storage event schema 2018-01-01, CloudEvents 1.0.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from shared.domain.arrivals import Arrival, bare_etag
from shared.domain.events import BlobArrived, Event, Irrelevant, UnreadableEvent

_SUBJECT = re.compile(r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<path>.+)", re.DOTALL)
_ACCOUNT = re.compile(r"/storageAccounts/(?P<account>[^/]+)/?$", re.IGNORECASE)
_COMMITTED = frozenset({"putblob", "putblocklist", "copyblob", "flushwithclose", "sftpcommit"})
_CREATED, _RENAMED = "microsoft.storage.blobcreated", "microsoft.storage.blobrenamed"


def read_event(raw: Any, account: str) -> Event:
    """The domain event in the envelope *raw*, from the storage account *account*. Raises only UnreadableEvent."""
    envelope = _Fields(raw, "event")
    kind = envelope.text("eventType", "type")
    event_id, subject = envelope.text("id"), envelope.text("subject")
    source = envelope.text("topic", "source")
    if kind.lower() not in (_CREATED, _RENAMED):
        return Irrelevant(event_id=event_id, subject=subject, reason=f"{kind} starts nothing")
    found = _ACCOUNT.search(source)
    if not found or found["account"].lower() != account.lower():
        return Irrelevant(event_id=event_id, subject=subject, reason=f"{source} is not the hub's account {account}")
    return _arrived(envelope, kind.lower(), event_id, subject, account)


def _arrived(envelope: "_Fields", kind: str, event_id: str, subject: str, account: str) -> Event:
    data = _Fields(envelope.get("data"), "data")
    if kind == _RENAMED:
        container, path = _location(_renamed_to(data, subject))
        return BlobArrived(event_id=event_id, arrival=_arrival(account, container, path, "", None))
    api = data.text("api")
    if api.lower() not in _COMMITTED:
        return Irrelevant(event_id=event_id, subject=subject, reason=f"{api} does not commit a file")
    container, path = _location(subject)
    size = data.get("contentLength")
    etag = bare_etag(data.text("eTag"))
    return BlobArrived(
        event_id=event_id, arrival=_arrival(account, container, path, etag, size if type(size) is int else None)
    )


def _arrival(account: str, container: str, path: str, etag: str, size: int | None) -> Arrival:
    return Arrival(account=account, container=container, path=path, etag=etag, size=size)


def _location(subject: str) -> tuple[str, str]:
    found = _SUBJECT.fullmatch(subject)
    if not found:
        raise UnreadableEvent(f"subject is {subject!r}; expected /blobServices/default/containers/NAME/blobs/PATH")
    path = found["path"]
    if ".." in path.split("/") or "\\" in path or any(ord(character) < 32 for character in path):
        raise UnreadableEvent(f"subject is {subject!r}; a path with '..', '\\' or control characters is not taken")
    return found["container"], path


def _renamed_to(data: "_Fields", subject: str) -> str:
    """A rename's new place as a subject; destinationUrl wins, since the subject may name the old place."""
    url = data.get("destinationUrl")
    if not isinstance(url, str) or not url:
        return subject
    try:
        container, _, path = unquote(urlsplit(url).path).lstrip("/").partition("/")
    except ValueError as error:
        raise UnreadableEvent(f"data.destinationUrl is {url!r}, which is not a URL") from error
    return f"/blobServices/default/containers/{container}/blobs/{path}"


class _Fields:
    """A JSON object whose keys are found in any case."""

    def __init__(self, raw: Any, where: str) -> None:
        if not isinstance(raw, Mapping):
            raise UnreadableEvent(f"{where} is {_short(raw)}; expected a JSON object")
        self._values = {str(key).lower(): value for key, value in raw.items()}
        self._where = where

    def get(self, name: str) -> Any:
        return self._values.get(name.lower())

    def text(self, *names: str) -> str:
        """The first of *names* that is a non-empty string."""
        for name in names:
            value = self.get(name)
            if isinstance(value, str) and value:
                return value
        said = " or ".join(names)
        raise UnreadableEvent(f"{self._where}.{said} is {_short(self.get(names[0]))}; expected a non-empty string")


def _short(value: Any) -> str:
    return "missing" if value is None else repr(value)[:80]
