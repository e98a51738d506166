"""Whether a function's parameters are those of its bindings, as the real worker looks when it loads the function.

Source: `functions.py` of Microsoft's azure-functions-runtime.
"""

from __future__ import annotations

import re
import typing
from typing import Any

import azure.functions as func

from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.indexing.failures import line_of

_SETTING = re.compile(r"%([^%\s]+)%")
_DURABLE = frozenset({"orchestrationTrigger", "entityTrigger"})  # The SDK puts a function of its own before the app's.


def check_definition(function: Function) -> None:
    """Refuse what the real worker does not load. Raises HostError with the worker's sentence and the line."""
    try:
        _check_settings(function)
        if function.kind not in _DURABLE:
            _check_parameters(function)
            _check_directions(function)
    except HostError as error:
        place = line_of(function.code, function.folder)
        raise HostError(f"{place}{': ' if place else ''}cannot load the {function.name} function: {error}") from None


def _check_settings(function: Function) -> None:
    for binding in (function.trigger, *function.bindings):
        for value in binding.values():
            if isinstance(value, str) and (match := _SETTING.search(value)):
                raise HostError(f"'{match[0]}' does not resolve to a value: set the app setting {match[1]}")


def _check_parameters(function: Function) -> None:
    bound = {str(binding["name"]) for binding in (function.trigger, *function.bindings)} - {"$return"}
    declared = set(function.parameters) - ({"context"} - bound)
    if unbound := declared - bound:
        raise HostError(
            "the following parameters are declared in Python but not in the function definition (function.json or "
            f"function decorators): {_listed(unbound)}"
        )
    if missing := bound - declared:
        raise HostError(
            "the following parameters are declared as bindings but are not present in Python: " + _listed(missing)
        )
    annotation = function.annotations.get("context")
    if "context" not in bound and annotation is not None and getattr(annotation, "__name__", "") != "Context":
        raise HostError(
            'the "context" parameter is expected to be of type azure.functions.Context, got "' + repr(annotation) + '"'
        )


def _check_directions(function: Function) -> None:
    for binding in (function.trigger, *function.bindings):
        name, annotation = str(binding["name"]), function.annotations.get(str(binding["name"]))
        is_output, takes_output = binding.get("direction") == "OUT", _is_out(annotation)
        if annotation is None or is_output == takes_output:
            continue
        if is_output:
            raise HostError(
                f'binding {name} is declared to have the "out" direction, but its annotation in Python is not a '
                "subclass of azure.functions.Out"
            )
        raise HostError(
            f'binding {name} is declared to have the "in" direction in the binding decorator, but its annotation is '
            "azure.functions.Out in Python"
        )


def _is_out(annotation: Any) -> bool:
    return func.Out in (annotation, typing.get_origin(annotation))


def _listed(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
