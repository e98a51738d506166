"""Signs of life on a terminal: nothing is shown on a pipe, and nothing beside JSON."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

Advance = Callable[[int], None]


@contextmanager
def waiting(subject: str) -> Iterator[None]:
    """Show *subject* with the time it has taken so far."""
    with _bar(subject, None):
        yield


@contextmanager
def copying(subject: str, size: int) -> Iterator[Advance]:
    """Show how far a copy of *size* bytes is; what is yielded takes how many bytes are done in all."""
    with _bar(subject, size) as advance:
        yield advance


@contextmanager
def _bar(subject: str, size: int | None) -> Iterator[Advance]:
    if not is_shown():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    measure: list[Any] = [BarColumn(), DownloadColumn()] if size else []
    columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), *measure, TimeElapsedColumn()]
    together = sys.stdout.isatty()  # Else what is printed meanwhile must stay on its pipe.
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=together) as progress:
        task = progress.add_task(subject, total=size)
        yield lambda count: progress.update(task, completed=count)


def is_shown() -> bool:
    """Whether somebody looks at a terminal, and did not ask for JSON."""
    context = click.get_current_context(silent=True)
    return sys.stderr.isatty() and not (context and context.params.get("as_json"))
