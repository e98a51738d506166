"""Functions that a table names before anybody has imported them: registering needs their names only.

Cold start is a budget, and the modules of all functions cost most of it.
A table imports its modules `if TYPE_CHECKING`, so that editors and mypy follow every entry to its function, and `else`
puts a `Deferred` in the place of their package.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


class Deferred:
    """Stands for a package, and each attribute of it for what has that name inside.

    It has `__module__` and `__name__`, as the function that it stands for; `load` gives the function itself.
    """

    def __init__(self, package: str) -> None:
        self.__module__, _, self.__name__ = package.rpartition(".")

    def __getattr__(self, name: str) -> Deferred:
        # Copying, pickling and inspection probe for special methods. A stand-in that answers them all would look like
        # an object that has them, and fail much later.
        if name.startswith("__"):
            raise AttributeError(name)
        return Deferred(f"{self.__module__}.{self.__name__}.{name}".lstrip("."))


def load(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that *function* stands for, whose module is imported now; a real function is given back as it is.

    Raises AttributeError where the module has no such function.
    """
    stands_for: object = function
    if not isinstance(stands_for, Deferred):
        return function
    body: Callable[..., Any] = getattr(import_module(function.__module__), function.__name__)
    return body
