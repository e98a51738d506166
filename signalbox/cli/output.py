"""One result, three forms: JSON where asked, rich on a terminal, plain in a pipe."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

_STYLES = {"completed": "green", "partial": "yellow", "failed": "red", "quarantined": "magenta", "ready": "green"}


def emit_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def emit_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under *columns*; tab-separated without headers where nobody looks."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    table = Table(*columns, header_style="bold", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(styled(cell) for cell in row))
    Console().print(table)


def emit_facts(facts: Mapping[str, str]) -> None:
    """Named values, one a line, the empty ones left out."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        if value:
            click.echo(f"{name:<{width}}  {value}")


def emit_answer(answer: Mapping[str, Any], as_json: bool) -> None:
    """What the app answered, whole or as facts."""
    if as_json:
        emit_json(answer)
        return
    given = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in answer.items()}
    emit_facts({name: str(value) for name, value in given.items() if value is not None})


def styled(cell: str) -> str:
    style = _STYLES.get(cell)
    return f"[{style}]{cell}[/{style}]" if style else cell
