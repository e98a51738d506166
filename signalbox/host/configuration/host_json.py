"""Read a JSON file as the real host reads it: with comments, and overridden by app settings.

Source: "host.json reference", section "Override host.json values", and "Binding expressions" of the documentation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signalbox.host.errors import HostError

_OVERRIDE = "azurefunctionsjobhost"
_TEXT_OR_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\r\n]*|/\*[\s\S]*?\*/')
_SETTING = re.compile(r"%([^%\s]+)%")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in *path*, which may hold comments; empty if there is no file. Raises HostError."""
    if not path.exists():
        return {}
    try:
        value = json.loads(_TEXT_OR_COMMENT.sub(lambda match: match[1] or " ", path.read_text("utf-8-sig")))
    except ValueError as error:
        raise HostError(f"{path} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise HostError(f"{path.name} is {value!r}: use a JSON object")
    return value


def read_host_json(app: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """`host.json` of *app* with the settings of *environment* that override it."""
    values = read_json(app / "host.json")
    for name, text in environment.items():
        section, *path = re.split("__|:", name)
        if section.lower() == _OVERRIDE and path:
            _override(values, path, text)
    return values


def fill_in(value: Any, environment: Mapping[str, str]) -> Any:
    """*value* with the app setting NAME in the place of each `%NAME%`; what is not set stays as it is written."""
    if isinstance(value, dict):
        return {name: fill_in(part, environment) for name, part in value.items()}
    if isinstance(value, list):
        return [fill_in(part, environment) for part in value]
    if isinstance(value, str):
        return _SETTING.sub(lambda match: environment.get(match[1], match[0]), value)
    return value


def _override(values: dict[str, Any], path: list[str], value: str) -> None:
    """Set the value at *path*, whose names are compared without case."""
    key = next((key for key in values if key.lower() == path[0].lower()), path[0])
    if len(path) == 1:
        values[key] = value
        return
    section = values.get(key)
    if not isinstance(section, dict):
        section = values[key] = {}
    _override(section, path[1:], value)
