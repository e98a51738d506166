"""Event Grid and CloudEvents envelopes to domain events: the last place with vendor field names.

Read tolerantly: keys in any case, eTags bare or quoted, the path from `subject`. Only committed writes count.
Contracts: Microsoft.Storage event schema 2018-01-01, CloudEvents 1.0.
"""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from shared.domain.events import BlobArrived, Event, EventOrigin, Irrelevant, ModelRegistered, UnreadableEvent
from shared.domain.inference.arrivals import CONTAINER, Arrival, bare_etag, path_problem
from shared.domain.promotion.models import ModelVersion
from triggers.events.fields import Fields, is_time, short
from triggers.events.monitor_events import DRIFT, RUNS, common_alert, read_alert, read_dataset_drift, read_run

_SUBJECT = re.compile(
    r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<path>.+)", re.DOTALL | re.IGNORECASE
)
_ETAG = re.compile(r"[!-~]{1,128}")
_ACCOUNT = re.compile(r"/storageAccounts/(?P<account>[^/]+)/?$", re.IGNORECASE)
_COMMITTED = frozenset({"putblob", "putblocklist", "copyblob", "flushwithclose", "sftpcommit"})
_STORAGE = "microsoft.storage."
_CREATED, _RENAMED = f"{_STORAGE}blobcreated", f"{_STORAGE}blobrenamed"
_REGISTERED = "microsoft.machinelearningservices.modelregistered"


def is_storage_event(raw: Any) -> bool:
    """Whether *raw* says that it is an event of a file, in either envelope; if it can be read is another matter."""
    fields = Fields(raw, "event") if isinstance(raw, dict) else None
    kind = fields and (fields.get("eventType") or (fields.get("specversion") and fields.get("type")))
    return isinstance(kind, str) and kind.lower().startswith(_STORAGE)


def read_event(raw: Any, account: str) -> Event:
    """The domain event in the envelope *raw*, from the storage account *account*. Raises only UnreadableEvent."""
    alert = common_alert(raw)
    if alert is not None:
        return read_alert(alert)
    envelope = Fields(raw, "event")
    kind = envelope.text("eventType", "type")
    event_id = envelope.text("id")
    time = envelope.get("eventTime") or envelope.get("time")
    if time is not None and not is_time(time):
        raise UnreadableEvent(f"eventTime is {short(time)}; expected a time like 2026-01-31T12:00:00Z")
    if kind.lower() == _REGISTERED:
        return _registered(envelope, event_id)
    if kind.lower() in (DRIFT, *RUNS):
        return (read_dataset_drift if kind.lower() == DRIFT else read_run)(envelope, event_id)
    if kind.lower() not in (_CREATED, _RENAMED):  # Others need no subject: it is optional in CloudEvents.
        subject = envelope.get("subject")
        text = subject if isinstance(subject, str) else ""
        return Irrelevant(event_id=event_id, subject=text, reason=f"{kind} starts nothing")
    subject, source = envelope.text("subject"), envelope.text("topic", "source")
    match = _ACCOUNT.search(source)
    if not match or match["account"].lower() != account.lower():
        return Irrelevant(event_id=event_id, subject=subject, reason=f"{source} is not the hub's account {account}")
    return _arrived(envelope, kind.lower(), event_id, subject, account)


def origin_of(raw: Any) -> EventOrigin:
    """Who sent the event in *raw*, and its vendor type; an alert names neither."""
    if common_alert(raw) is not None:
        return EventOrigin(source="Azure Monitor", type="alert")
    envelope = Fields(raw, "event")
    source = envelope.get("topic") or envelope.get("source")
    kind = envelope.get("eventType") or envelope.get("type")
    return EventOrigin(source=source if isinstance(source, str) else "", type=kind if isinstance(kind, str) else "")


def _registered(envelope: Fields, event_id: str) -> ModelRegistered:
    """The version is a number in v1 and in samples, a text in v2."""
    data, source = Fields(envelope.get("data"), "data"), envelope.text("topic", "source")
    version = data.get("modelVersion")
    if type(version) is not int and not (isinstance(version, str) and version):
        raise UnreadableEvent(f"data.modelVersion is {short(version)}; expected a number or a text")
    model = ModelVersion(name=data.text("modelName"), version=str(version))
    return ModelRegistered(event_id=event_id, workspace=source.rstrip("/").lower(), model=model)


def _arrived(envelope: Fields, kind: str, event_id: str, subject: str, account: str) -> Event:
    data = Fields(envelope.get("data"), "data")
    if kind == _RENAMED:
        container, path = location_of(_renamed_to(data, subject))
        return BlobArrived(event_id=event_id, arrival=_arrival(account, container, path, "", None))
    api = data.text("api")
    if api.lower() not in _COMMITTED:
        return Irrelevant(event_id=event_id, subject=subject, reason=f"{api} does not commit a file")
    container, path = location_of(subject)
    arrival = _arrival(account, container, path, _etag(data), _size(data))
    return BlobArrived(event_id=event_id, arrival=arrival)


def _arrival(account: str, container: str, path: str, etag: str, size: int | None) -> Arrival:
    return Arrival(account=account, container=container, path=path, etag=etag, size=size)


def _etag(data: Fields) -> str:
    etag = bare_etag(data.text("eTag"))
    if not _ETAG.fullmatch(etag):
        raise UnreadableEvent(f"data.eTag is {etag!r}; expected 1 to 128 printable ASCII characters, bare or quoted")
    return etag


def _size(data: Fields) -> int | None:
    size = data.get("contentLength")
    return size if type(size) is int and size >= 0 else None


def location_of(subject: str) -> tuple[str, str]:
    """Container and path in *subject*. Raises UnreadableEvent where they are no place to take a file from."""
    match = _SUBJECT.fullmatch(subject)
    if not match:
        raise UnreadableEvent(f"subject is {short(subject)}; expected /blobServices/default/containers/NAME/blobs/PATH")
    container, path = match["container"], match["path"]
    if not CONTAINER.fullmatch(container):
        raise UnreadableEvent(f"subject is {short(subject)}; {short(container)} cannot be a container's name")
    if problem := path_problem(path):
        raise UnreadableEvent(f"subject is {short(subject)}; a path with {problem} is not taken: rename the file")
    return container, path


def _renamed_to(data: Fields, subject: str) -> str:
    """A rename's new place as a subject; destinationUrl wins, since the subject may name the old place."""
    url = data.get("destinationUrl")
    if not isinstance(url, str) or not url:
        return subject
    try:
        container, _, path = unquote(urlsplit(url).path).lstrip("/").partition("/")
    except ValueError as error:
        raise UnreadableEvent(f"data.destinationUrl is {url!r}, which is not a URL") from error
    return f"/blobServices/default/containers/{container}/blobs/{path}"
