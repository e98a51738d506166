"""The host's worker processes: each call goes to the worker that has the fewest, and a worker that ends is replaced."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from signalbox.host.bindings import Beside, ClientBinding
from signalbox.host.containment import ProcessEndedError, describe
from signalbox.host.durable.orchestrations.state import Session
from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.invocation import CROWD, FunctionTimeoutError
from signalbox.host.log import LOGGER
from signalbox.host.streaming.relay import relay
from signalbox.host.workers import frames
from signalbox.host.workers.microsoft.spawner import Spawner
from signalbox.host.workers.nursery import Nursery
from signalbox.host.workers.worker import Failure

_TRIES = 3


class RemoteError(Exception):
    """An error of the app in a worker; its subclass has the name of the error's own class."""


class Member:
    """One worker process as the host sees it."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.reader, self.writer = reader, writer
        self.pending: dict[int, asyncio.Future[Any]] = {}
        self.is_retiring = False
        self.is_gone = False

    def kill(self) -> None:
        """End the process; its id is its own until it is buried."""
        if not self.is_gone:
            os.kill(self.pid, signal.SIGKILL)


class Crew:
    """Calls the app's functions as `Invoker` does, in worker processes."""

    _grace = timedelta(seconds=2)  # A worker ends what runs too long by itself, if the app leaves it the time.

    def __init__(self, nursery: Nursery | Spawner, client: ClientBinding, timeout: timedelta | None, size: int) -> None:
        self._nursery = nursery
        self._client = client
        self._timeout = timeout
        self._limit = None if timeout is None else (timeout + self._grace).total_seconds()
        self._size = size
        self._members: list[Member] = []  # Those that take calls.
        self._has_members = asyncio.Event()
        self._numbers = itertools.count(1)
        self._callers = 0
        self._watches: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._loop = asyncio.get_running_loop()

    async def start(self) -> None:
        for _ in range(self._size):
            await self._add()

    @property
    def crowded(self) -> bool:
        """Whether so many HTTP calls wait for their answers that other work should stand back."""
        return self._callers > CROWD

    async def answer(
        self,
        function: Function,
        data: Datum,
        headers: Mapping[str, str] | None = None,
        instance: str = "-",
        metadata: Mapping[str, Datum] | None = None,
        beside: Beside | None = None,
    ) -> Any:
        """What the function answers, encoded. Raises a RemoteError, ProcessEndedError or FunctionTimeoutError."""
        self._callers += function.kind == "httpTrigger"
        try:
            plain_headers = {name.lower(): value for name, value in (headers or {}).items()}
            return await self._call(function, data, plain_headers, instance, dict(metadata or {}), beside or Beside())
        finally:
            self._callers -= function.kind == "httpTrigger"

    invoke = answer

    async def _call(self, function: Function, *details: Any) -> Any:
        return await self._ask(await self._choose(), "call", function.name, *details, limit=self._limit)

    async def stream(
        self, function: Function, request: web.Request, parameters: Mapping[str, str]
    ) -> web.StreamResponse:
        """The answer of a function that takes requests of the http-fastapi extension, from a worker's own server."""
        member, invocation = await self._choose(), str(uuid.uuid4())
        address = await self._ask(member, "listen")
        order = self._ask(member, "stream", function.name, invocation, dict(parameters))
        return await relay(request, address, invocation, order)

    def open(self, name: str, context: str) -> tuple[RemoteSession | None, str]:
        """Replay an orchestrator in a worker, for a thread that waits. Another worker tries again if one ends, since
        what ended it may have been somebody else."""
        for attempt in range(_TRIES):
            try:
                return self._open(name, context)
            except ProcessEndedError:
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    def _open(self, name: str, context: str) -> tuple[RemoteSession | None, str]:
        member = asyncio.run_coroutine_threadsafe(self._choose(), self._loop).result()
        number, state, cancellations = self._wait(member, "open", name, context)
        return None if cancellations is None else RemoteSession(self, member, number, cancellations), state

    def resume(self, member: Member, number: int, events: str) -> tuple[int, str, Sequence[bool]]:
        answer: tuple[int, str, Sequence[bool]] = self._wait(member, "resume", number, events)
        return answer

    def close(self, member: Member, number: int) -> None:
        """Give up a session; nobody waits for it."""
        self._loop.call_soon_threadsafe(member.writer.write, frames.pack((0, "close", number)))

    def stop(self) -> None:
        self._is_stopping = True
        for member in self._members:
            member.writer.close()
        self._nursery.close()

    def _wait(self, member: Member, *order: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(self._ask(member, *order), self._loop).result()

    async def _choose(self) -> Member:
        while not self._members:
            await self._has_members.wait()
        return min(self._members, key=lambda member: len(member.pending))

    async def _ask(self, member: Member, *order: Any, limit: float | None = None) -> Any:
        if member.is_gone:  # An orchestrator waited in it.
            raise ProcessEndedError(None)
        number, future = next(self._numbers), self._loop.create_future()
        member.pending[number] = future
        member.writer.write(frames.pack((number, *order)))
        try:
            async with asyncio.timeout(limit):
                answer = await future
        except TimeoutError:
            self._remove(member)
            member.kill()  # Not even its event loop goes on.
            reason = f"Timeout value of {self._timeout} exceeded by function '{order[1]}', and its worker was ended"
            raise FunctionTimeoutError(reason) from None
        finally:
            member.pending.pop(number, None)
            self._dismiss_if_done(member)
        if isinstance(answer, Failure):
            raise revived(answer)
        return answer

    async def _add(self) -> None:
        try:
            pid, connection = await asyncio.to_thread(self._nursery.bear, self._client())
        except (EOFError, HostError, OSError) as error:
            LOGGER.error("no worker can be started, so the host stops: %s", describe(error))
            os.kill(os.getpid(), signal.SIGTERM)
            raise
        reader, writer = await asyncio.open_connection(sock=connection)
        member = Member(pid, reader, writer)
        self._members.append(member)
        self._has_members.set()
        watch = asyncio.ensure_future(self._watch(member))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    async def _watch(self, member: Member) -> None:
        """Hand out the worker's answers until it has gone, and replace it."""
        with contextlib.suppress(EOFError):
            while True:
                number, answer, is_stuck = await frames.read(member.reader)
                future = member.pending.get(number)
                if future is not None and not future.done():
                    future.set_result(answer)
                if is_stuck and not member.is_retiring:
                    await self._retire(member)
        if self._is_stopping:
            return
        await self._replace(member)

    def _remove(self, member: Member) -> None:
        """Give *member* no more calls."""
        if member in self._members:
            self._members.remove(member)
        if not self._members:
            self._has_members.clear()

    async def _retire(self, member: Member) -> None:
        """A thread of it hangs: it gets no more calls, and ends with the last that it has."""
        member.is_retiring = True
        await self._add()
        self._remove(member)
        self._dismiss_if_done(member)

    def _dismiss_if_done(self, member: Member) -> None:
        if member.is_retiring and not member.pending:
            member.kill()

    async def _replace(self, member: Member) -> None:
        self._remove(member)
        if not member.is_retiring:
            await self._add()
        member.kill()  # Its connection is closed. If the process still lives, it has closed that itself.
        cause = await asyncio.to_thread(self._nursery.bury, member.pid)
        member.is_gone = True
        member.writer.close()
        if member.pending:
            reason = cause or "the worker process was killed"
            LOGGER.error("%s while %d calls ran in it; another has taken its place", reason, len(member.pending))
        for future in list(member.pending.values()):
            if not future.done():
                future.set_exception(ProcessEndedError(cause))


class RemoteSession(Session):
    """An orchestrator that waits in a worker."""

    def __init__(self, crew: Crew, member: Member, number: int, cancellations: Sequence[bool]) -> None:
        self._crew, self._member, self._number = crew, member, number
        self._cancellations = cancellations

    def resume(self, events: str) -> str:
        self._number, state, self._cancellations = self._crew.resume(self._member, self._number, events)
        return state

    @property
    def is_waiting(self) -> bool:
        return self._number > 0

    @property
    def timer_cancellations(self) -> Sequence[bool]:
        return self._cancellations

    def close(self) -> None:
        self._crew.close(self._member, self._number)


class RemoteOrchestrator:
    """An orchestrator of the app in whichever worker has time."""

    def __init__(self, crew: Crew, name: str) -> None:
        self._crew, self._name = crew, name

    def open(self, context: str) -> tuple[Session | None, str]:
        return self._crew.open(self._name, context)


def revived(failure: Failure) -> RemoteError:
    """The error of the app that *failure* describes."""
    error: RemoteError = type(failure.kind, (RemoteError,), {})(failure.text)
    error.add_note(failure.trace)
    return error
