"""Why an app cannot be loaded: the real worker's sentence, with the line of the app's own code and no line of ours.

Source: `loader.py` of Microsoft's azure-functions-runtime, and the SDK's own errors.
"""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from azure.functions import FunctionRegister

from signalbox.host.containment import describe
from signalbox.host.errors import HostError
from signalbox.host.log import LOGGER

_HOST = Path(__file__).parents[1]
_NAME = re.compile(r"Function (\S+) does not have")


def import_failure(error: Exception, folder: Path) -> HostError:
    """What the import of the app in *folder* raised, with the line of the app where it came about."""
    LOGGER.debug("the app in %s cannot be imported", folder, exc_info=error)
    if isinstance(error, SyntaxError) and error.filename and _is_ours(Path(error.filename), folder):
        return HostError(f"{_place(error.filename, error.lineno, folder)}: {type(error).__name__}: {error.msg}")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(Path(frame.filename), folder)]
    place = _place(frames[-1].filename, frames[-1].lineno, folder) if frames else str(folder)
    text = describe(error)
    if isinstance(error, ImportError):
        text += ": cannot find the module; see that requirements.txt names it and that it is installed"
    return HostError(f"{place}: {text}")


def index_failure(error: ValueError, app: FunctionRegister, folder: Path) -> HostError:
    """What the SDK says of *app*, with the lines of the functions that it names."""
    name = match[1] if (match := _NAME.search(str(error))) else None
    functions = [builder._function for builder in app._function_builders]  # The SDK names them in no other way.
    lines = [line_of(each.get_user_function(), folder) for each in functions if each.get_function_name() == name]
    return HostError(f"{', '.join(lines) or folder}: {error}")


def line_of(code: Callable[..., Any], folder: Path) -> str:
    """Where the app in *folder* defines a function; nothing where that cannot be known."""
    place = getattr(inspect.unwrap(getattr(code, "orchestrator_function", code)), "__code__", None)
    if place is None or _is_ours(Path(place.co_filename), _HOST):
        return ""
    return _place(place.co_filename, place.co_firstlineno, folder)


def _is_ours(file: Path, folder: Path) -> bool:
    return file.is_relative_to(folder) and "site-packages" not in file.parts


def _place(name: str, line: int | None, folder: Path) -> str:
    file = Path(name)
    return f"{file.relative_to(folder) if file.is_relative_to(folder) else file}:{line}"
