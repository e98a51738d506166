"""What is done by the clock: list, show, pause, resume, run now."""

import click

from signalbox.cli.app_client import find_app
from signalbox.cli.names import SCHEDULES, suggesting
from signalbox.cli.output import emit_answer, emit_facts, emit_json, emit_table

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_as = click.option("--as", "person", default="", help="Who you are, in the local directory.")
_reason = click.option("--reason", required=True, help="Why; kept with the order.")


@click.group()
def schedules() -> None:
    """What is done by the clock."""


@schedules.command("list")
@_json
def list_schedules(as_json: bool) -> None:
    """Every schedule, what it does, and when next."""
    schedules = _all_schedules()
    if as_json:
        emit_json(schedules)
        return
    rows = [
        (
            schedule["schedule"],
            f"{schedule['does']} {schedule['of']}",
            schedule["cron"],
            schedule["timezone"],
            _time_text(schedule),
        )
        for schedule in schedules
    ]
    emit_table(("schedule", "does", "cron", "time zone", "next"), rows, "no schedule is configured")


@schedules.command()
@click.argument("schedule")
@_json
def show(schedule: str, as_json: bool) -> None:
    """One SCHEDULE, with what it did last."""
    app = find_app()
    with suggesting(app, SCHEDULES, schedule):
        record = app.get(f"schedules/{schedule}")
    if as_json:
        emit_json(record)
        return
    emit_facts({name: str(value) for name, value in record.items() if name != "firings" and value is not False})
    click.echo()
    rows = [(firing["due"], firing["because"] or firing["what"]) for firing in record["firings"]]
    emit_table(("due", "did"), rows, "it has not been due yet")


@schedules.command()
@click.argument("schedule")
@_reason
@_as
@_json
def pause(schedule: str, reason: str, person: str, as_json: bool) -> None:
    """Let SCHEDULE rest: the due times of its pause are not caught up."""
    _order(schedule, "pause", reason, person, as_json)


@schedules.command()
@click.argument("schedule")
@_reason
@_as
@_json
def resume(schedule: str, reason: str, person: str, as_json: bool) -> None:
    """Let SCHEDULE go on with its next due time."""
    _order(schedule, "resume", reason, person, as_json)


@schedules.command()
@click.argument("schedule")
@_reason
@_as
@_json
def run(schedule: str, reason: str, person: str, as_json: bool) -> None:
    """Do now what SCHEDULE does when it is due."""
    _order(schedule, "run", reason, person, as_json)


def _all_schedules() -> list[dict[str, str]]:
    app, schedules, after = find_app(), list[dict[str, str]](), ""
    while True:
        page = app.get("schedules", **({"after": after} if after else {}))
        schedules += page["schedules"]
        after = page["next"]
        if not after:
            return schedules


def _time_text(row: dict[str, str]) -> str:
    return f"paused by {row['by']}: {row['reason']}" if row["paused"] else row["next"]


def _order(schedule: str, kind: str, reason: str, person: str, as_json: bool) -> None:
    app = find_app(person, signed=bool(person))
    with suggesting(app, SCHEDULES, schedule):
        answer = app.post(f"schedules/{schedule}/{kind}", {"reason": reason})
    emit_answer(answer, as_json)
