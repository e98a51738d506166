"""The product behind its HTTP doors, asked with the headers that a test chooses."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from tests.fakes.ports import OPERATOR_KEY
from tests.inference.conftest import InferenceApp, app, sweeps  # noqa: F401 (fixtures)

SIGNED = {"x-functions-key": OPERATOR_KEY}


async def ask(
    app: InferenceApp,  # noqa: F811
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of the answer of *path*, which may be a whole status URL."""
    url = app.host.url + (path if path.startswith("/") else f"/api/v1/{path}")
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=body, headers={**SIGNED, **(headers or {})}) as answer,
    ):
        return answer.status, dict(answer.headers), await answer.json(content_type=None)
