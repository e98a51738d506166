"""What of the SDK has no other owner than the host: its client's HTTP session, and how it reads a history's moments."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from importlib import import_module
from typing import Any

from azure.durable_functions.models.utils import http_utils

_REMEMBERED_MOMENTS = 65_536


async def close_client_session() -> None:
    """Close the session; its lock is renewed because it remembers the event loop of an earlier host."""
    await http_utils._close_session()
    http_utils._session_lock = asyncio.Lock()


def remember_moments() -> None:
    """Have the SDK parse each moment of a history once, not at every replay: that was half of what a replay costs."""
    history_event: Any = import_module("azure.durable_functions.models.history.HistoryEvent")
    if not hasattr(history_event.dt_parse, "cache_info"):
        history_event.dt_parse = lru_cache(maxsize=_REMEMBERED_MOMENTS)(history_event.dt_parse)
