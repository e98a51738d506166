"""A worker process: it calls functions and keeps orchestrators in memory, as the host asks, until the host has gone."""

from __future__ import annotations

import asyncio
import faulthandler
import itertools
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from signalbox.host.containment import describe
from signalbox.host.durable.orchestrations.replay import Orchestrator
from signalbox.host.durable.orchestrations.state import Session
from signalbox.host.functions import Function
from signalbox.host.invocation import Invoker
from signalbox.host.log import LOGGER
from signalbox.host.streaming.worker_server import StreamServer
from signalbox.host.workers import frames
from signalbox.host.workers.threads import Threads

_THREADS = 2  # The host asks for no more orchestrators at once, and one may hang.


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error of the app as it crosses to the host, where its class may not be."""

    kind: str
    text: str
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        kind, _, text = describe(error).partition(": ")
        return cls(kind=kind, text=text, trace="".join(traceback.format_exception(error)))


class Worker:
    """Serves one connection."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        orchestrators: Mapping[str, Orchestrator],
        timeout: timedelta | None,
        client_binding: str,
    ) -> None:
        self._functions = functions
        self._orchestrators = orchestrators
        self._invoker = Invoker(lambda: client_binding, timeout)
        self._threads = Threads(_THREADS, "orchestrator")
        self._sessions: dict[int, Session] = {}
        self._streams = StreamServer()
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, connection: socket.socket) -> None:
        faulthandler.enable(all_threads=False)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # What it prints outlives it.
        connection.setblocking(False)
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            task = loop.create_task(self._serve(connection))
            while not task.done():
                try:
                    loop.run_until_complete(task)
                except (SystemExit, KeyboardInterrupt) as error:
                    LOGGER.error("a background task of the app raised %s; the worker goes on", describe(error))
            os._exit(0)  # A function that still runs cannot be waited for.

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        while True:
            try:
                number, order, *details = await frames.read(reader)
            except EOFError:
                return
            task = asyncio.ensure_future(self._answer(writer, number, order, details))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, writer: asyncio.StreamWriter, number: int, order: str, details: list[Any]) -> None:
        orders: dict[str, Callable[..., Any]] = {
            **{"call": self._call, "open": self._open, "resume": self._resume},
            **{"listen": self._streams.listen, "stream": self._stream},
        }
        try:
            if order == "close":
                await self._in_thread(self._sessions.pop(details[0]).close)
                return
            frame = frames.pack((number, await orders[order](*details), self._invoker.is_stuck))
        except Exception as error:
            frame = frames.pack((number, Failure.of(error), self._invoker.is_stuck))
        writer.write(frame)
        await writer.drain()

    async def _call(self, name: str, *details: Any) -> Any:
        return await self._invoker.answer(self._functions[name], *details)

    async def _stream(self, name: str, invocation: str, parameters: dict[str, str]) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await self._invoker.stream(self._functions[name], request, parameters)

        await self._streams.expect(invocation, answer)

    async def _open(self, name: str, context: str) -> tuple[int, str, Any]:
        """The number of the session, 0 where the orchestrator has none that waits; and what a session tells."""
        session, state = await self._in_thread(self._orchestrators[name].open, context)
        if session is None:
            return 0, state, None
        number = 0
        if session.is_waiting:
            number = next(self._numbers)
            self._sessions[number] = session
        return number, state, session.timer_cancellations

    async def _resume(self, number: int, events: str) -> tuple[int, str, Any]:
        session = self._sessions.pop(number)
        state = await self._in_thread(session.resume, events)
        if session.is_waiting:
            self._sessions[number] = session
        return number if session.is_waiting else 0, state, session.timer_cancellations

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await self._threads.run(work, *arguments)
