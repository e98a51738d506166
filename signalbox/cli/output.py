"""One result, three forms: JSON where asked, rich on a terminal, plain in a pipe."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

_STYLES = {"completed": "green", "partial": "yellow", "failed": "red", "quarantined": "magenta", "ready": "green"}


def emit_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def emit_table(columns: Sequence[str], rows: Sequence[Sequence[str]], empty_text: str = "") -> None:
    """Rows under *columns*, tab-separated in a pipe; without rows the sentence *empty_text*, if there is one."""
    if not rows and empty_text:
        click.echo(empty_text)
    elif sys.stdout.isatty():
        _print_rich(columns, rows)
    else:
        for row in (columns, *rows):
            click.echo("\t".join(map(printable, row)))


def _print_rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, header_style="bold", box=None, pad_edge=False)
    table.columns[0].no_wrap = True  # Names are there to be copied.
    for row in rows:
        table.add_row(*(Text(printable(cell), _STYLES.get(cell, "")) for cell in row))
    Console().print(table)


def emit_facts(facts: Mapping[str, str]) -> None:
    """Named values, one a line, the empty ones left out."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        if value:
            lines = (printable(line) for line in value.splitlines())
            click.echo(f"{name:<{width}}  " + ("\n" + " " * (width + 2)).join(lines))


def emit_answer(answer: Mapping[str, Any], as_json: bool) -> None:
    """What the app answered, whole or as facts."""
    if as_json:
        emit_json(answer)
        return
    facts = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in answer.items()}
    emit_facts({name: str(value) for name, value in facts.items() if value is not None})


def printable(text: str) -> str:
    """*text* with control characters spelled out: names of blobs come from outside, and terminals obey."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def sample_lines(samples: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """`FILE row 3: 47.11` for each of *samples*; of a file as a whole without a row."""
    for sample in samples:
        row = f" row {sample['row']}" if sample["row"] else ""
        yield f"{sample['file']}{row}: {sample['value']}"
