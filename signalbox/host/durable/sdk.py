"""Parts of the SDK that only the host can care for: its client's HTTP session, and how it parses a history's times.

It stands alone, so that the code that reaches into the SDK is easy to find.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from importlib import import_module

from azure.durable_functions.models.utils import http_utils

_parse = lru_cache(65_536)(import_module("dateutil.parser").parse)


async def close_client_session() -> None:
    """Close the session; its lock is renewed because it remembers the event loop of an earlier host."""
    await http_utils._close_session()
    http_utils._session_lock = asyncio.Lock()


def remember_moments() -> None:
    """Have the SDK read a moment's text once, not at every look and every replay: that was half of a replay's time."""
    for name in ("history.HistoryEvent", "DurableOrchestrationStatus"):
        vars(import_module(f"azure.durable_functions.models.{name}"))["dt_parse"] = _parse
