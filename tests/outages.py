"""A client of the app is away for a while: one of its calls fails, and works as before after the outage."""

from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from shared.domain.failures import Transient

DOWN = "503 the service is down"


class Outage:
    """Until the block ends, *call* of *client* fails where *holds* says so of its arguments, or always.

    *refused* has the arguments of every call that failed.
    """

    def __init__(self, client: Any, call: str, holds: Callable[..., bool] = lambda *_, **__: True, because: str = DOWN):
        self._client, self._call, self._holds, self._because = client, call, holds, because
        self.refused: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        works = getattr(self._client, self._call)

        def fail(*arguments: Any, **named: Any) -> Any:
            if self._holds(*arguments, **named):
                self.refused.append(arguments)
                raise Transient(f"{self._call}: {self._because}")
            return works(*arguments, **named)

        setattr(self._client, self._call, fail)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        delattr(self._client, self._call)


def for_a_while(now: Callable[[], datetime], span: timedelta) -> Callable[..., bool]:
    """What holds from now on until *span* has passed."""
    began = now()
    return lambda *_, **__: now() - began < span
