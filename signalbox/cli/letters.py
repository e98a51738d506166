"""Dead letters: events that could not be taken in, listed and replayed."""

import click

from signalbox.cli.app_client import find_app
from signalbox.cli.output import emit_json, emit_table

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("dead-letters")
def dead_letters() -> None:
    """Events that could not be read or delivered: nothing is lost."""


@dead_letters.command("list")
@_json
def list_letters(as_json: bool) -> None:
    """The newest first, with their reasons."""
    found = find_app().get("dead-letters")
    if as_json:
        emit_json(found)
    else:
        emit_table(("path", "stored", "reason"), [(r["path"], r["stored"], r["reason"]) for r in found["letters"]])


@dead_letters.command()
@click.argument("path")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would happen.")
@_json
def replay(path: str, yes: bool, as_json: bool) -> None:
    """Take the events in PATH in again."""
    found = find_app().post("dead-letters/replay", {"path": path, "dry_run": not yes})
    if as_json:
        emit_json(found)
        return
    for said in found["events"]:
        for line in said:
            click.echo(line)
