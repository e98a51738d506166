"""The `host` command group: `signalbox host start`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signalbox.host.containment import describe
from signalbox.host.errors import HostError
from signalbox.host.log import LOGGER, set_up_logging
from signalbox.host.reloading import Stamps, begin_anew, changed_file, stamps

if TYPE_CHECKING:
    from signalbox.host.server import FunctionsHost, HostOptions

_TURN_S = 0.001  # How long a thread may make the loop wait for the interpreter's lock.


class NotServed(click.ClickException):
    """The host cannot start; the code is the command line's for a machine that is not set up."""

    exit_code = 8


@click.group()
def host() -> None:
    """Serve a function app on this machine."""


@host.command()
@click.option("--port", default=7071, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--app", default=".", show_default=True, type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--state", default=".signalbox/host", show_default=True, type=click.Path(path_type=Path))
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]),
    help="Overrides logging.logLevel of host.json, which says INFO if it says nothing.",
)
@click.option(
    "--synchronous",
    default="FULL",
    show_default=True,
    type=click.Choice(["FULL", "NORMAL"]),
    help="FULL survives a power cut, NORMAL only a killed host.",
)
@click.option("--auth", is_flag=True, help="Ask callers for keys, as Azure does; without it every caller is admitted.")
@click.option("--allow-unserved", is_flag=True, help="Leave out functions that cannot be served.")
@click.option(
    "--strict-replay",
    is_flag=True,
    help="Fail an orchestration that calls a function with another input at its replay.",
)
@click.option("--watch", is_flag=True, help="Begin anew when a .py file, host.json or local.settings.json changes.")
@click.option(
    "--workers",
    default=0,
    show_default=True,
    type=click.IntRange(0, 10),
    envvar="FUNCTIONS_WORKER_PROCESS_COUNT",
    help="Processes that the app's code runs in, which are replaced when they end; 0 runs it in the host's own.",
)
@click.option(
    "--worker-python",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="SIGNALBOX_WORKER_PYTHON",
    help="Run the app's code in Microsoft's worker library: a Python 3.13 that has azure-functions-runtime.",
)
def start(
    port: int,
    app: Path,
    state: Path,
    log_level: str | None,
    synchronous: str,
    auth: bool,
    workers: int,
    worker_python: Path | None,
    allow_unserved: bool,
    strict_replay: bool,
    watch: bool,
) -> None:
    """Serve the function app in APP until Ctrl-C."""
    environment, watched = dict(os.environ), stamps(app.resolve()) if watch else None
    # These imports take half a second, which `signalbox --help` need not pay.
    from signalbox.host.server import HostOptions
    from signalbox.host.settings import apply_local_settings, load_log_levels

    set_up_logging(log_level or "INFO")
    _keep_spans()
    options = HostOptions(
        app=app.resolve(),
        state=state,
        port=port,
        synchronous="FULL" if synchronous == "FULL" else "NORMAL",
        owns_process=True,
        auth=auth,
        workers=workers,
        worker_python=worker_python and worker_python.absolute(),  # Not resolved: the link is the environment.
        allow_unserved=allow_unserved,
        strict_replay=strict_replay,
    )
    try:
        if log_level is None:
            apply_local_settings(options.app, os.environ)
            set_up_logging("INFO", load_log_levels(options.app, os.environ))
        new_port = _run(options, watched)
    except HostError as error:
        if watched is None:
            raise NotServed(str(error)) from None
        LOGGER.error("%s; the host waits for a change", error)
        asyncio.run(changed_file(options.app, watched))
        new_port = port
    if new_port is not None:
        begin_anew(environment, new_port)
    _leave()


def _keep_spans() -> None:
    """Keep spans in the file that SIGNALBOX_HOST_SPANS names."""
    if spans := os.environ.get("SIGNALBOX_HOST_SPANS"):
        # It loads OpenTelemetry's SDK, which a host without spans need not do.
        from signalbox.host.state_folder.spans import keep_spans

        keep_spans(Path(spans))


def _run(options: HostOptions, watched: Stamps | None) -> int | None:
    """Run the loop until the host has stopped, whatever the app's own background tasks raise; the port where it is to
    begin anew.

    A task that raises SystemExit ends `run_until_complete`; everything else that was waiting still waits.
    """
    from signalbox.host.server import FunctionsHost

    functions_host = FunctionsHost(options)  # Before the loop: it may fork, and a loop is nothing to have two of.
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(_serve(functions_host, options, watched))
        while True:
            try:
                return loop.run_until_complete(task)
            except (SystemExit, KeyboardInterrupt) as error:
                if task.done():
                    raise
                LOGGER.error("a background task of the app raised %s; the host goes on", describe(error))


def _leave() -> None:
    """End the process. A sync function cannot be interrupted, so this does not wait for its thread."""
    if any(thread.name.startswith("function") for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


async def _serve(functions_host: FunctionsHost, options: HostOptions, watched: Stamps | None) -> int | None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await functions_host.start()
    sys.setswitchinterval(_TURN_S)
    gc.freeze()  # The app and its libraries stay until the end, so the garbage collector need not scan them again.
    _announce(functions_host, options)
    watch = None if watched is None else asyncio.ensure_future(changed_file(options.app, watched))
    if watch is not None:
        watch.add_done_callback(lambda _: stopping.set())
    try:
        await stopping.wait()
    finally:
        LOGGER.info("stopping")
        with contextlib.suppress(asyncio.CancelledError):
            await functions_host.stop()
    if watch is None or not watch.done():
        return None
    LOGGER.info("%s has changed: the host begins anew", watch.result())
    return int(functions_host.url.rpartition(":")[2])


def _announce(functions_host: FunctionsHost, options: HostOptions) -> None:
    click.echo(f"listening on {functions_host.url}")
    if not options.auth:
        LOGGER.warning("no caller needs a key, as with `func start`: start with --auth to ask for keys")
    for function in functions_host.functions.values():
        LOGGER.info("function=%s trigger=%s", function.name, function.kind)
    LOGGER.info("serving %d functions of %s", len(functions_host.functions), options.app)
