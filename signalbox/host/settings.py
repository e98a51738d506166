"""host.json and local.settings.json, read once at start. Unknown settings are ignored, as on Azure."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from signalbox.host.configuration.host_json import fill_in, read_host_json, read_json
from signalbox.host.durable.versions import FailureStrategy, MatchStrategy, Versioning
from signalbox.host.errors import HostError
from signalbox.host.log import LOG_LEVELS

_CORES = os.cpu_count() or 1
_LARGEST_BATCH = 32  # A queue gives no more messages at once.
Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableSettings:
    """`extensions.durableTask` of host.json, with the defaults of a dedicated plan (10 per core).

    *keep_sessions* is `extendedSessionsEnabled`. Azure's default is off, and there it does nothing for Python; here
    it is on, and off means that every step replays its whole history, as on Azure. *strict_replay* is an option of the
    command."""

    hub_name: str = "TestHubName"
    max_activities: int = 10 * _CORES
    max_orchestrators: int = 10 * _CORES
    override_any_state: bool = False
    keep_sessions: bool = True
    strict_replay: bool = False
    versioning: Versioning = field(default_factory=Versioning)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceBusSettings:
    """`extensions.serviceBus` of host.json, with the extension's defaults."""

    complete: bool = True
    renew_for: timedelta = timedelta(minutes=5)
    calls: int = 16
    sessions: int = 8
    session_idle: timedelta = timedelta(minutes=1)
    batch: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """`extensions.queues` of host.json. A new batch is taken once no more than *threshold* messages are at work."""

    longest_pause: timedelta = timedelta(
        seconds=2
    )  # What the local tools of Azure wait at most; in the cloud a minute.
    visibility: timedelta = timedelta(0)
    batch: int = 16
    threshold: int = 8
    most_dequeues: int = 5
    base64: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """What the host takes from host.json."""

    route_prefix: str = "api"
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: timedelta | None = None
    durable: DurableSettings
    service_bus: ServiceBusSettings
    queues: QueueSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossOrigin:
    """`Host.CORS` and `Host.CORSCredentials` of local.settings.json: which other sites' pages may call the app."""

    origins: frozenset[str] = frozenset()
    credentials: bool = False


def load_host_settings(app: Path, environment: Mapping[str, str]) -> HostSettings:
    """Read `app/host.json`; a missing file means defaults. Raises HostError on a bad value."""
    content = read_host_json(app, environment)
    extensions = _mapping(content.get("extensions"), "extensions")
    http = _mapping(extensions.get("http"), "extensions.http")
    durable = _durable(_mapping(extensions.get("durableTask"), "extensions.durableTask"), environment)
    bus = _service_bus(_mapping(extensions.get("serviceBus"), "extensions.serviceBus"))
    headers = _mapping(http.get("customHeaders"), "extensions.http.customHeaders")
    return HostSettings(
        route_prefix=str(http.get("routePrefix", "api")).strip("/"),
        headers={name: str(value) for name, value in headers.items()},
        timeout=_timeout(content.get("functionTimeout")),
        durable=durable,
        service_bus=bus,
        queues=_queues(_mapping(extensions.get("queues"), "extensions.queues")),
    )


def _timeout(value: object) -> timedelta | None:
    """How long a function may run: without end if nothing is set or `-1`, as on a dedicated plan of this machine."""
    if value is None or str(value) == "-1":
        return None
    span = _timespan(str(value))
    if not span:
        raise HostError(f"host.json: functionTimeout is {value!r}: use hh:mm:ss, such as '00:10:00', or '-1'")
    return span


def load_log_levels(app: Path, environment: Mapping[str, str]) -> dict[str, int]:
    """`logging.logLevel` of host.json, by category; empty if it says nothing. Raises HostError on an unknown level."""
    logs = _mapping(read_host_json(app, environment).get("logging"), "logging")
    levels = _mapping(logs.get("logLevel"), "logging.logLevel")
    for category, level in levels.items():
        if str(level).lower() not in LOG_LEVELS:
            names = ", ".join(f"'{name.capitalize()}'" for name in LOG_LEVELS)
            raise HostError(f"host.json: logging.logLevel.{category} is {level!r}: use one of {names}")
    return {category: LOG_LEVELS[str(level).lower()] for category, level in levels.items()}


def load_cross_origin(app: Path) -> CrossOrigin:
    """Read the part of `app/local.settings.json` that is the host's own."""
    section = _mapping(read_json(app / "local.settings.json").get("Host"), "Host")
    origins = frozenset(filter(None, str(section.get("CORS") or "").replace(" ", "").split(",")))
    return CrossOrigin(origins=origins, credentials=section.get("CORSCredentials") is True)


def _durable(section: Mapping[str, Any], environment: Mapping[str, str]) -> DurableSettings:
    defaults = DurableSettings()
    return DurableSettings(
        hub_name=_hub_name(str(section.get("hubName", defaults.hub_name)), environment),
        max_activities=_count(section, "maxConcurrentActivityFunctions", defaults.max_activities),
        max_orchestrators=_count(section, "maxConcurrentOrchestratorFunctions", defaults.max_orchestrators),
        keep_sessions=_flag(section, "extendedSessionsEnabled", default=defaults.keep_sessions),
        override_any_state=_overridable(section.get("overridableExistingInstanceStates", "NonRunningStates")),
        versioning=_versioning(section),
    )


def _hub_name(text: str, environment: Mapping[str, str]) -> str:
    """The one value of host.json in which the extension looks for app settings (DurableTaskExtension.Initialize)."""
    name = str(fill_in(text, environment))
    if "%" in name:
        raise HostError(f"host.json: extensions.durableTask.hubName is {name!r}: set the app setting that it names")
    return name


def _versioning(section: Mapping[str, Any]) -> Versioning:
    default = section.get("defaultVersion")
    if default is not None and not isinstance(default, str):
        # A number would lose its last zero: 1.10 is read as 1.1.
        raise HostError(f"host.json: extensions.durableTask.defaultVersion is {default!r}: use text, such as '1.0'")
    return Versioning(
        default=default,
        match=_choice(section, "versionMatchStrategy", MatchStrategy.CURRENT_OR_OLDER),
        failure=_choice(section, "versionFailureStrategy", FailureStrategy.REJECT),
    )


def _choice(section: Mapping[str, Any], name: str, default: Choice) -> Choice:
    value, choices = section.get(name, default), type(default)
    for choice in choices:
        if str(value).lower() == choice.lower():
            return choice
    names = ", ".join(f"'{choice}'" for choice in choices)
    raise HostError(f"host.json: extensions.durableTask.{name} is {value!r}: use one of {names}")


def _service_bus(values: Mapping[str, Any]) -> ServiceBusSettings:
    defaults, section = ServiceBusSettings(), "serviceBus"
    return ServiceBusSettings(
        complete=_flag(values, "autoCompleteMessages", default=defaults.complete),
        renew_for=_span(values, "maxAutoLockRenewalDuration", defaults.renew_for),
        calls=_count(values, "maxConcurrentCalls", defaults.calls, section),
        sessions=_count(values, "maxConcurrentSessions", defaults.sessions, section),
        session_idle=_span(values, "sessionIdleTimeout", defaults.session_idle),
        batch=_count(values, "maxMessageBatchSize", defaults.batch, section),
    )


def _queues(values: Mapping[str, Any]) -> QueueSettings:
    defaults, section = QueueSettings(), "queues"
    batch = _count(values, "batchSize", defaults.batch, section)
    if batch > _LARGEST_BATCH:
        raise HostError(f"host.json: extensions.queues.batchSize is {batch}: use at most {_LARGEST_BATCH}")
    encoding = str(values.get("messageEncoding", "base64")).lower()
    if encoding not in ("base64", "none"):
        raise HostError(f"host.json: extensions.queues.messageEncoding is {encoding!r}: use 'base64' or 'none'")
    return QueueSettings(
        longest_pause=_span(values, "maxPollingInterval", defaults.longest_pause, section),
        visibility=_span(values, "visibilityTimeout", defaults.visibility, section),
        batch=batch,
        threshold=_count(values, "newBatchThreshold", batch // 2, section, least=0),
        most_dequeues=_count(values, "maxDequeueCount", defaults.most_dequeues, section),
        base64=encoding == "base64",
    )


def _span(values: Mapping[str, Any], name: str, default: timedelta, section: str = "serviceBus") -> timedelta:
    value = values.get(name)
    if value is None:
        return default
    span = _timespan(str(value))
    if span is None:
        raise HostError(f"host.json: extensions.{section}.{name} is {value!r}: use hh:mm:ss, such as '00:05:00'")
    return span


def _timespan(text: str) -> timedelta | None:
    parts = re.fullmatch(r"(\d\d):([0-5]\d):([0-5]\d(?:\.\d{1,7})?)", text)
    if parts is None:
        return None
    hours, minutes, seconds = (float(part) for part in parts.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _flag(values: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """A setting that overrides the file is text."""
    return str(values.get(name, default)).lower() == "true"


def _overridable(value: object) -> bool:
    if value not in ("NonRunningStates", "AnyState"):
        raise HostError(
            f"host.json: extensions.durableTask.overridableExistingInstanceStates is {value!r}: "
            "use 'NonRunningStates' or 'AnyState'"
        )
    return value == "AnyState"


def _count(values: Mapping[str, Any], name: str, default: int, section: str = "durableTask", *, least: int = 1) -> int:
    value = values.get(name, default)
    if isinstance(value, str) and value.isdecimal():  # A setting that overrides the file is text.
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise HostError(f"host.json: extensions.{section}.{name} is {value!r}: use a whole number of at least {least}")
    return value


def apply_local_settings(app: Path, environment: MutableMapping[str, str]) -> None:
    """Put `Values` of `app/local.settings.json` into *environment*; what is already there wins."""
    values = _mapping(read_json(app / "local.settings.json").get("Values"), "Values")
    for name, value in values.items():
        environment.setdefault(name, _setting(value))


def _setting(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise HostError(f"{name} is {value!r}: use a JSON object")
    return value
