"""Waking somebody who ends between the look and the call: nobody heard it, and that is no fault."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from shared.contracts import ORDER_GIVEN
from shared.durable.starting import wake
from signalbox.host.testing import LocalHost

APP = Path(__file__).parent / "apps" / "durable"


class LateClient:
    """The SDK's client, before whose first call of an event something else happens."""

    def __init__(self, inner: df.DurableOrchestrationClient, happens: Callable[[], Awaitable[Any]]) -> None:
        self._inner, self._happens = inner, happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def raise_event(self, *given: Any) -> None:
        await self._happens()
        await self._inner.raise_event(*given)


async def test_who_ends_just_before_the_event_has_not_heard_it(tmp_path: Path) -> None:
    async with LocalHost(APP, tmp_path) as host:
        client: Any = df.DurableOrchestrationClient(host.client_binding())
        await client.start_new("sleeping", "i", 100)

        async def end() -> None:
            await host.terminate("i", "no longer needed")
            await host.wait("i")

        assert await wake(client, "i", ORDER_GIVEN) is True
        assert await wake(LateClient(client, end), "i", ORDER_GIVEN) is False  # type: ignore[arg-type]
        assert await wake(client, "i", ORDER_GIVEN) is False
