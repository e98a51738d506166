"""The SDK client's process-wide HTTP session, which has no other owner than the host it talks to."""

from __future__ import annotations

import asyncio

from azure.durable_functions.models.utils import http_utils


async def close_client_session() -> None:
    """Close the session; its lock is renewed because it remembers the event loop of an earlier host."""
    await http_utils._close_session()
    http_utils._session_lock = asyncio.Lock()
