"""Functions of other libraries that tests compare the product's own with.

They are imported at their first call: SciPy and scikit-learn take two seconds, which every worker of a test run would
spend while it collects. The marker gives the tests that call them to one worker.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

with_peers = pytest.mark.xdist_group("peers")


class Peer:
    """A library whose functions are attributes."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            return getattr(import_module(self._module), name)(*arguments, **named)

        return call
