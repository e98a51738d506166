"""The trace link that crosses the Durable boundary beside a payload, under a key that every payload's type ignores."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.telemetry.ids import span_context, span_of, traceparent

_KEY = "telemetry"
_FIELDS = ("parent", "since", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """*parent* is W3C text; *since* the moment (ISO 8601) of what *source*, a kind of event or a door, brought."""

    parent: str
    since: str = ""
    source: str = ""

    def under(self, instance: str, started_at: str) -> "Carried":
        """The same for what an orchestration calls; replays derive the same span from its id and its beginning."""
        trace = span_context(self.parent).trace_id
        return replace(self, parent=traceparent(trace, span_of(self.parent, instance, started_at)))


def carry(payload: Any, trace_link: Carried | None) -> Any:
    """*payload* (plain JSON) with its trace link."""
    if trace_link is None or not isinstance(payload, dict):
        return payload
    return {**payload, _KEY: {name: getattr(trace_link, name) for name in _FIELDS}}


def carried_in(raw: Any) -> Carried | None:
    """The trace link in *raw*; None for an instance of an earlier version, which must replay as it was recorded."""
    fields = raw.get(_KEY) if isinstance(raw, Mapping) else None
    if not isinstance(fields, Mapping) or not isinstance(fields.get("parent"), str):
        return None
    return Carried(**{name: str(fields.get(name, "")) for name in _FIELDS})
