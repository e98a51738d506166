"""Binding expressions: `{name}` in a binding is a value of the invocation's trigger.

Source: "Azure Functions binding expression patterns". Names are compared without case, as the real host compares them.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from azure.functions.meta import Datum

from signalbox.host.functions import Function

_EXPRESSION = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_GUIDS = {"n": "{0.hex}", "b": "{{{0}}}", "p": "({0})"}
_DATE_PART = re.compile(r"yyyy|yy|MM|dd|HH|hh|mm|ss|fff|tt|K")
_DATE_FORMATS = {
    **{"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S"},
    "tt": "%p",
}
_SORTABLE = "yyyy-MM-ddTHH-mm-ssK"


class TriggerValues:
    """What the expressions of one invocation may name."""

    def __init__(self, function: Function, data: Datum, metadata: Mapping[str, Datum]) -> None:
        self._function = function.name
        values: dict[str, Any] = {name: datum.python_value for name, datum in metadata.items()}
        if function.kind == "httpTrigger":
            request = data.value
            values |= _document(request["body"].value)
            values |= {name: value.value for name, value in request["params"].items()}
            values["query"] = {name: value.value for name, value in request["query"].items()}
            values["headers"] = {name: value.value for name, value in request["headers"].items()}
        elif data.type in ("json", "string", "bytes"):
            values |= _document(data.value)
        self._values = values

    def fill(self, text: str) -> str:
        """*text* with a value in the place of each expression. Raises ValueError for a name without a value."""
        return _EXPRESSION.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]  # Two braces stand for one.
        name, _, form = match[1].strip().partition(":")
        match name.lower():
            case "rand-guid" | "sys.randguid":
                return _GUIDS.get(form.lower(), "{0}").format(uuid.uuid4())
            case "datetime" | "sys.utcnow":
                return _written(datetime.now(UTC), form or _SORTABLE)
            case "sys.methodname":
                return self._function
        return self._looked_up(name)

    def _looked_up(self, name: str) -> str:
        value: Any = self._values
        for part in name.split("."):
            value = _member(value, part)
        if value is None or isinstance(value, dict | list):
            raise ValueError(f"No value for named parameter '{name}'.")
        return str(value)


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        return None
    return next((part for key, part in value.items() if key.lower() == name.lower()), None)


def _document(content: str | bytes) -> dict[str, Any]:
    """The fields of a trigger's data that is a JSON object."""
    try:
        value = json.loads(content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _written(moment: datetime, form: str) -> str:
    """*moment* in a .NET format of plain numbers."""

    def part(match: re.Match[str]) -> str:
        if match[0] == "fff":
            return f"{moment.microsecond // 1000:03d}"
        return "Z" if match[0] == "K" else moment.strftime(_DATE_FORMATS[match[0]])

    return _DATE_PART.sub(part, form)
