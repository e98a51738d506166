"""Events and messages that started nothing: dead letters, listed, shown and replayed, and events that were ignored."""

from typing import Any

import click

from signalbox.cli.app_client import PAGE, find_app
from signalbox.cli.names import LETTERS, suggesting
from signalbox.cli.output import emit_facts, emit_json, emit_table
from signalbox.counting import counted

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def dlq() -> None:
    """Events and messages that could not be read or delivered: nothing is lost."""


@dlq.command("list")
@click.option(
    "--limit", type=click.IntRange(1), default=PAGE, show_default=True, help="How many of the newest to show."
)
@_json
def list_letters(limit: int, as_json: bool) -> None:
    """The newest first, with their reasons."""
    letters, unseen = _newest(limit)
    if as_json:
        emit_json(letters)
    else:
        rows = [(letter["path"], letter["stored"], letter["reason"]) for letter in letters]
        empty = "no dead letters in what could be looked at" if unseen else "no dead letters: everything was taken in"
        emit_table(("path", "stored", "reason"), rows, empty)
    _tell_unseen(unseen)


@dlq.command()
@click.argument("path")
@_json
def show(path: str, as_json: bool) -> None:
    """The letter at PATH with its events, and what a replay would do with each of them now."""
    app = find_app()
    with suggesting(app, LETTERS, path):
        letter = app.get("dead-letters/letter", path=path)
    if as_json:
        emit_json(letter)
        return
    emit_facts({name: letter[name] for name in ("path", "stored", "reason")})
    for event, would in zip(letter["events"], letter["would"], strict=True):
        click.echo()
        emit_json(event)
        _say(would)
    _say([f"and {letter['more']} more events"] if letter["more"] else [])


@dlq.command()
@click.argument("paths", nargs=-1)
@click.option("--all", "select_all", is_flag=True, help="Every letter there is, the oldest first.")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would happen.")
@_json
def replay(paths: tuple[str, ...], select_all: bool, yes: bool, as_json: bool) -> None:
    """Say what taking the letters at PATHS in again would do; with --yes, do it."""
    if bool(paths) == select_all:
        raise click.UsageError("name PATHS, or give --all")
    chosen_paths, unseen = paths, list[str]()
    if select_all:
        letters, unseen = _newest()
        chosen_paths = tuple(letter["path"] for letter in reversed(letters))
        _tell_unseen(unseen)
    app, replays = find_app(), list[dict[str, Any]]()
    try:
        for path in chosen_paths:
            with suggesting(app, LETTERS, path):
                replays.append(app.post("dead-letters/replay", {"path": path, "dry_run": not yes}))
            if not as_json:
                _tell_replay(replays[-1])
    finally:  # What was replayed before one fails was replayed, and is told.
        if as_json:
            emit_json(replays)
        elif len(replays) < len(chosen_paths):
            click.echo(
                f"{len(replays)} of {counted(len(chosen_paths), 'letter')} replayed; the rest is as it was", err=True
            )
    if as_json:
        return
    if not replays:
        click.echo(
            "no dead letters in what could be looked at" if unseen else "no dead letters: there is nothing to replay"
        )
    elif not yes:
        click.echo("nothing was done; --yes does it")


def _tell_replay(answer: dict[str, Any]) -> None:
    click.echo(answer["path"])
    for event_lines in answer["events"]:
        _say(event_lines)
    _say([f"and {answer['more']} more events"] if answer["more"] else [])


@click.group()
def events() -> None:
    """Events that were taken in."""


@events.command()
@click.option(
    "--limit", type=click.IntRange(1), default=PAGE, show_default=True, help="How many of the newest to show."
)
@click.option("--day", default="", metavar="YYYY-MM-DD", help="Of this day in UTC.")
@_json
def ignored(limit: int, day: str, as_json: bool) -> None:
    """Events that started nothing, the newest first, with the reason for each."""
    rows = find_app().rows("events/ignored", "events", limit, day=day)
    if as_json:
        emit_json(rows)
        return
    columns = ("at", "reason", "subject", "type", "source", "event")
    empty = f"no ignored event on {day}" if day else "no ignored event: each one started something"
    emit_table(columns, [[row[name] for name in columns] for row in rows], empty)


def _say(lines: list[str]) -> None:
    for line in lines:
        click.echo(f"  {line}")


def _tell_unseen(unseen: list[str]) -> None:
    for reason in unseen:
        click.echo(f"not looked at: {reason}", err=True)


def _newest(limit: int | None = None) -> tuple[list[dict[str, Any]], list[str]]:
    """So many letters, or all of them, page by page; and what could not be looked at."""
    app, letters, cursor, unseen = find_app(), list[dict[str, Any]](), "", list[str]()
    while limit is None or len(letters) < limit:
        size = PAGE if limit is None else min(PAGE, limit - len(letters))
        page = app.get("dead-letters", limit=str(size), cursor=cursor)
        letters += page["letters"]
        unseen = unseen or page["unseen"]  # The letters of the queues come on the first pages.
        cursor = page["next"]
        if not cursor:
            break
    return letters, unseen
