"""Load a v2 function app and describe its functions. The app is imported by path and never changed."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from azure.functions import FunctionRegister

from signalbox.host.configuration.host_json import fill_in
from signalbox.host.containment import CallEndedError, containing
from signalbox.host.errors import HostError
from signalbox.host.indexing.failures import import_failure, index_failure


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function of the app: its code, its trigger binding and its other bindings as plain dictionaries.

    What follows from the bindings is worked out once, because each call asks for it.
    """

    name: str
    code: Callable[..., Any]
    is_async: bool
    trigger: Mapping[str, Any]
    bindings: Sequence[Mapping[str, Any]]
    parameters: frozenset[str]
    annotations: Mapping[str, Any]  # The types of the parameters, as far as they can be read.
    folder: Path
    retry: Mapping[str, Any] | None = None  # What `@app.retry` has set.

    @cached_property
    def kind(self) -> str:
        return str(self.trigger["type"])

    @cached_property
    def argument(self) -> str:
        """The name of the parameter that receives the trigger's data."""
        return str(self.trigger["name"])

    @cached_property
    def annotation(self) -> Any:
        """The type of the trigger's parameter, or None."""
        return self.annotations.get(self.argument)

    @cached_property
    def inputs(self) -> Sequence[Mapping[str, Any]]:
        """The bindings whose data the host fetches before a call."""
        return [binding for binding in self.bindings if _is_data(binding, "IN")]

    @cached_property
    def outputs(self) -> Sequence[Mapping[str, Any]]:
        """The bindings whose data the host sends after a call."""
        return [binding for binding in self.bindings if _is_data(binding, "OUT")]

    @cached_property
    def returns_response(self) -> bool:
        """Whether what the function returns is its response. The model of decorators gives every route such a binding
        unless it names an output parameter; a generic trigger has none of itself."""
        return any(binding["type"] == "http" and binding["name"] == "$return" for binding in self.bindings)

    @cached_property
    def output(self) -> str | None:
        """The name of the parameter through which the function answers an HTTP request, if it has one."""
        names = (str(binding["name"]) for binding in self.bindings if binding["type"] == "http")
        return next((name for name in names if name in self.parameters), None)


def _is_data(binding: Mapping[str, Any], direction: str) -> bool:
    return binding["type"] not in ("http", "durableClient") and binding.get("direction") == direction


_SCRIPT_SETTING = "PYTHON_SCRIPT_FILE_NAME"
_SCRIPT_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_\-]*\.py")  # What the real worker takes (validate_script_file_name).
# The SDK's functions as they were described at first, and whether their bindings name app settings: another host of the
# same app, in a test, spares 28 ms for 280.
_DESCRIPTIONS: WeakKeyDictionary[Any, tuple[Function, bool]] = WeakKeyDictionary()


def load_app(folder: Path) -> FunctionRegister:
    """Import `function_app.py` of *folder*, or the script that PYTHON_SCRIPT_FILE_NAME names, and find its FunctionApp.
    Raises HostError when there is none, or when the import tries to end the process."""
    name = os.environ.get(_SCRIPT_SETTING, "function_app.py")
    if _SCRIPT_NAME.fullmatch(name) is None:
        raise HostError(
            f"{_SCRIPT_SETTING} is {name!r}, which is an invalid file name: use one such as function_app.py"
        )
    script = folder / name
    if not script.is_file():
        raise HostError(f"no {name} in {folder}: pass the app's folder with --app")
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    # In front of everything, since an app of another folder may have been hosted in this process before (tests).
    sys.path.insert(0, str(folder))
    try:
        with containing(str(script)):
            module = _import_fresh(script)
    except CallEndedError as error:
        raise HostError(f"the app cannot be imported: {error}; remove the call from the module's top level") from error
    except Exception as error:
        raise import_failure(error, folder) from None
    return _find_app(module)


def _import_fresh(script: Path) -> ModuleType:
    """A second app in one process (tests) must not get the first one's module."""
    module = sys.modules.get(script.stem)
    if module is not None and Path(module.__file__ or "") != script:
        del sys.modules[script.stem]
    return importlib.import_module(script.stem)


def _find_app(module: ModuleType) -> FunctionRegister:
    apps = {name: value for name, value in vars(module).items() if isinstance(value, FunctionRegister)}
    if len(apps) != 1:
        # The real worker counts names: the same app under a second one is another to it.
        named = f" ({', '.join(apps)})" if apps else ""
        raise HostError(f"{module.__file__} names {len(apps)} FunctionApp instances{named}: name exactly one")
    return next(iter(apps.values()))


def index(app: FunctionRegister, folder: Path) -> dict[str, Function]:
    """Describe every function of *app* by name. Raises HostError when the SDK refuses the app."""
    app.functions_bindings = {}  # The SDK takes a second indexing (another host in one test) for duplicates.
    try:
        builders = app.get_functions()
    except ValueError as error:
        raise index_failure(error, app, folder) from None
    functions = [_described(builder, folder) for builder in builders]
    return {function.name: function for function in functions}


def _described(builder: Any, folder: Path) -> Function:
    if builder not in _DESCRIPTIONS:
        _DESCRIPTIONS[builder] = _describe(builder, folder)
    function, names_settings = _DESCRIPTIONS[builder]
    if not names_settings:
        return replace(function, folder=folder)
    trigger, bindings = fill_in(function.trigger, os.environ), fill_in(function.bindings, os.environ)
    return replace(function, folder=folder, trigger=trigger, bindings=bindings)


def _describe(builder: Any, folder: Path) -> tuple[Function, bool]:
    code = builder.get_user_function()
    raw_bindings = builder.get_raw_bindings()
    bindings = [json.loads(raw) for raw in raw_bindings]
    trigger_name = builder.get_trigger().name
    trigger = next(binding for binding in bindings if binding["name"] == trigger_name)
    function = Function(
        name=builder.get_function_name(),
        code=code,
        is_async=inspect.iscoroutinefunction(code),
        trigger=trigger,
        bindings=[binding for binding in bindings if binding is not trigger],
        parameters=frozenset(inspect.signature(code).parameters),
        annotations=_annotations(code),
        folder=folder,
        retry=builder.get_settings_dict("retry_policy"),
    )
    return function, any("%" in raw for raw in raw_bindings)


def _annotations(code: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.unwrap(code))
    except (NameError, TypeError):
        return {}
