"""Event Grid and CloudEvents envelopes to domain events: the last place with vendor field names.

Only committed writes count. Contracts: Microsoft.Storage event schema 2018-01-01, CloudEvents 1.0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from shared.domain.events import BlobArrived, Event, EventOrigin, Irrelevant, ModelRegistered, UnreadableEvent
from shared.domain.inference.arrivals import CONTAINER, Arrival, bare_etag, path_problem
from shared.domain.promotion.models import ModelVersion
from shared.validation.vendor_json import (
    AnyText,
    FilledText,
    ReadBy,
    SentAs,
    filled_text,
    read_vendor_json,
)
from triggers.events.alerts import common_alert, read_alert
from triggers.events.fields import EventEnvelope, IdentifiedEvent, SourcedEvent, envelope_of, read_sent
from triggers.events.monitor_events import DRIFT, RUNS, read_dataset_drift, read_run

_SUBJECT = re.compile(
    r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<path>.+)", re.DOTALL | re.IGNORECASE
)
_ETAG = re.compile(r"[!-~]{1,128}")
_ACCOUNT = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Storage/storageAccounts/(?P<account>[^/]+)/?",
    re.IGNORECASE,
)
# Data Lake Storage sends `CreateFile` for a file that is still empty and `FlushWithClose` for the whole one, as the
# schema's documents say. A run on the first would score nothing.
_COMMITTED = frozenset({"putblob", "putblocklist", "copyblob", "flushwithclose", "sftpcommit"})
_STORAGE = "microsoft.storage."
_CREATED, _RENAMED = f"{_STORAGE}blobcreated", f"{_STORAGE}blobrenamed"
_REGISTERED = "microsoft.machinelearningservices.modelregistered"
_WRITTEN = "microsoft.resources.resourcewritesuccess"
_ENTRY = re.compile(
    r"(?P<registry>/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.machinelearningservices"
    r"/registries/[^/]+)/models/(?P<model>[^/]+)/versions/(?P<version>[^/]+)/?",
    re.IGNORECASE,
)


def _bare(value: Any) -> Any:
    return bare_etag(value) if isinstance(value, str) else value


def _etag(value: Any) -> str:
    if not isinstance(value, str) or not _ETAG.fullmatch(value):
        raise ValueError("expected 1 to 128 printable ASCII characters, bare or quoted")
    return value


def _size(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _version(value: Any) -> str:
    """The version is a number in v1 and in samples, a text in v2."""
    if type(value) is not int and not (isinstance(value, str) and value):
        raise ValueError("expected a number or a text")
    return str(value)


def _destination(value: Any) -> str:
    """The subject of the blob whose URL *value* is; empty where it is no text."""
    if not isinstance(value, str) or not value:
        return ""
    try:
        container, _, path = unquote(urlsplit(value).path).lstrip("/").partition("/")
    except ValueError as error:
        raise ValueError("expected a URL") from error
    return f"/blobServices/default/containers/{container}/blobs/{path}"


def _location(subject: Any) -> tuple[str, str]:
    """The container and the path in *subject*. Raises ValueError where they are no place to take a file from."""
    match = _SUBJECT.fullmatch(filled_text(subject))
    if not match:
        raise ValueError("expected /blobServices/default/containers/NAME/blobs/PATH")
    container, path = match["container"], match["path"]
    if not CONTAINER.fullmatch(container):
        raise ValueError(f"{container[:160]!r} cannot be a container's name")
    if problem := path_problem(path):
        raise ValueError(f"a path with {problem} is not taken: rename the file")
    return container, path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    api: AnyText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _CommittedWrite:
    api: FilledText
    etag: Annotated[str, SentAs("eTag"), ReadBy(_etag, "an eTag", _bare)]
    content_length: Annotated[int | None, ReadBy(_size, "a size")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rename:
    destination: Annotated[str, SentAs("destinationUrl"), ReadBy(_destination, "a URL")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registration:
    model_name: FilledText
    model_version: Annotated[str, ReadBy(_version, "a number or a text")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _StorageEvent(SourcedEvent):
    subject: FilledText


@dataclass(frozen=True, slots=True, kw_only=True)
class _Created(SourcedEvent):
    location: Annotated[tuple[str, str], SentAs("subject"), ReadBy(_location, "the place of a blob")]
    data: _CommittedWrite


@dataclass(frozen=True, slots=True, kw_only=True)
class _Renamed(_StorageEvent):
    data: _Rename


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registered(SourcedEvent):
    data: _Registration


def is_storage_event(raw: Any) -> bool:
    """Whether *raw* says that it is an event of a file, in either envelope; if it can be read is another matter."""
    envelope = envelope_of(raw)
    kind = envelope.grid_kind or (envelope.kind if envelope.cloud_version else "")
    return kind.lower().startswith(_STORAGE)


def read_event(raw: Any, account: str, elsewhere: Mapping[str, str] = MappingProxyType({})) -> Event:
    """The domain event in the envelope *raw*. Raises only UnreadableEvent.

    Files arrive in the storage account *account*, and those of the containers in *elsewhere* in the account it says.
    """
    alert = common_alert(raw)
    if alert is not None:
        return read_alert(alert)
    envelope = envelope_of(raw)
    kind = envelope.kind.lower()
    if kind == _REGISTERED:
        return _read_registration(raw)
    if kind == _WRITTEN:
        return _read_resource_write(raw)
    if kind == DRIFT:
        return read_dataset_drift(raw)
    if kind in RUNS:
        return read_run(raw)
    if kind in (_CREATED, _RENAMED):
        return _read_storage_event(raw, envelope, account, elsewhere)
    event = read_sent(IdentifiedEvent, raw)  # It needs no subject, which is optional in CloudEvents.
    return Irrelevant(event_id=event.id, subject=event.subject, reason=f"{event.kind} starts nothing")


def origin_of(raw: Any) -> EventOrigin:
    """Who sent the event in *raw*, and its vendor type; an alert names neither."""
    if common_alert(raw) is not None:
        return EventOrigin(source="Azure Monitor", type="alert")
    envelope = envelope_of(raw)
    return EventOrigin(source=envelope.source, type=envelope.kind)


def location_of(subject: str) -> tuple[str, str]:
    """Container and path in *subject*. Raises UnreadableEvent where they are no place to take a file from."""
    try:
        return _location(subject)
    except ValueError as error:
        raise UnreadableEvent(f"subject is {subject[:160]!r}; {error}") from error


def _read_registration(raw: Any) -> ModelRegistered:
    event = read_sent(_Registered, raw)
    model = ModelVersion(name=event.data.model_name, version=event.data.model_version)
    return ModelRegistered(event_id=event.id, workspace=event.workspace, model=model)


def _read_resource_write(raw: Any) -> Event:
    """What Resource Manager wrote: a registry has no events of its own, and its entries are resources."""
    event = read_sent(IdentifiedEvent, raw)
    entry = _ENTRY.fullmatch(event.subject)
    if entry is None:
        return Irrelevant(event_id=event.id, subject=event.subject, reason="no model of a registry was written")
    model = ModelVersion(name=entry["model"], version=entry["version"])
    return ModelRegistered(event_id=event.id, workspace=entry["registry"].lower(), model=model)


def _read_storage_event(raw: Any, envelope: EventEnvelope, account: str, elsewhere: Mapping[str, str]) -> Event:
    reason = _irrelevance(envelope, account, elsewhere)
    if reason:
        event = read_sent(_StorageEvent, raw)
        return Irrelevant(event_id=event.id, subject=event.subject, reason=reason)
    if envelope.kind.lower() == _RENAMED:
        renamed = read_sent(_Renamed, raw)
        # The destination wins, since the subject of a rename may name the old place. A rename's event has no eTag. The
        # intake looks the file up, so that it is pinned as every other.
        event_id, (container, path) = renamed.id, location_of(renamed.data.destination or renamed.subject)
        etag, size = "", None
    else:
        created = read_sent(_Created, raw)
        event_id, (container, path) = created.id, created.location
        etag, size = created.data.etag, created.data.content_length
    own = elsewhere.get(container, account)
    if _sender(envelope) not in ("", own.lower()):
        # Another account may have a container of this name, whose files are others: it speaks for its own alone.
        reason = f"{envelope.source} is not the account of container {container}, which is {own}"
        return Irrelevant(event_id=event_id, subject=f"{container}/{path}", reason=reason)
    arrival = Arrival(account=own, container=container, path=path, etag=etag, size=size)
    return BlobArrived(event_id=event_id, arrival=arrival)


def _irrelevance(envelope: EventEnvelope, account: str, elsewhere: Mapping[str, str]) -> str:
    """The reason why a file's event can start nothing, whatever else it says; empty where there is none."""
    accounts = {account.lower(), *(other.lower() for other in elsewhere.values())}
    if envelope.source and _sender(envelope) not in accounts:
        return f"{envelope.source} is not the hub's account {account}"
    write = read_vendor_json(_Write, envelope.data).value
    if envelope.kind.lower() == _CREATED and write and write.api and write.api.lower() not in _COMMITTED:
        return f"{write.api} does not commit a file"
    return ""


def _sender(envelope: EventEnvelope) -> str:
    """The storage account that the event is from, in lower case; empty where it names none."""
    match = _ACCOUNT.fullmatch(envelope.source)
    return match["account"].lower() if match else ""
