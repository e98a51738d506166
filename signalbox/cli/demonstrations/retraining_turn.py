"""One turn of the retraining loop: the files that start it, its progress without anybody's help, and its timeline.

Times are from the app's own records, not from when they were looked at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from signalbox.cli.commands.hub import upload
from signalbox.cli.demonstrations.stage import Stage, expect, read, wait_for

MODEL = "diabetes-progression"
_ROUTE = "diabetes-each"
_PATIENCE_S, _EVERY_S = 300.0, 1.0  # Polling more often would only slow the loop down.
_WIDTH = 110
_SILENT = ("receipt issued", "evidence pack written")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """*run* is the run of training as the app shows it, *promotion* the one that followed it, if one did."""

    started_at: datetime
    run: dict[str, Any]
    promotion: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    at: datetime
    title: str
    detail: str


def let_in(stage: Stage, world: str, *, holdout: bool) -> datetime:
    """The patients as *world* measures them: those with answers, and last everybody, which is what starts it all."""
    folder = stage.folder / world
    if holdout:
        upload(stage.hub, folder / "holdout.csv", "evaluation/diabetes/holdout.csv")
    upload(stage.hub, folder / "labelled.csv", f"training/diabetes/{world}.csv")
    started_at = datetime.now(UTC)
    upload(stage.hub, folder / "patients.csv", f"landing/diabetes/each/{world}/patients.csv")
    return started_at


def follow(stage: Stage, started_at: datetime, number: int) -> Turn:
    """Wait until the training with this *number*, and the promotion that it may have started, have ended."""
    steps = list[str]()

    def tell(doing: dict[str, Any]) -> None:
        step = " ".join(str(doing[name]) for name in ("step", "stage", "move", "promotion") if doing.get(name))
        if step and step not in steps[-1:]:
            steps.append(step)
            stage.line.say("  the loop", step)

    def trained() -> dict[str, Any] | None:
        state = stage.app.get(f"models/{MODEL}/retraining")
        tell(state["doing"])
        return next((run for run in state["runs"][:1] if len(state["runs"]) == number and run["outcome"]), None)

    run = dict(wait_for(trained, f"run {number} of training did not end", _PATIENCE_S, _EVERY_S))
    if not run["promotion"]:
        return Turn(started_at=started_at, run=run, promotion={})

    return Turn(started_at=started_at, run=run, promotion=await_fate(stage, run["promotion"], tell))


def await_fate(stage: Stage, promotion: str, tell: Callable[[dict[str, Any]], None] = lambda _: None) -> dict[str, Any]:
    """The promotion once it has ended; *tell* hears what it is doing. Before it was opened it is not listed yet."""

    def ended() -> dict[str, Any] | None:
        promotions = stage.app.get("promotions", model=MODEL)["promotions"]
        if promotion not in [row["promotion"] for row in promotions]:
            return None
        record = stage.app.get(f"promotions/{promotion}")
        tell(record.get("doing") or {})
        return record if record.get("fate") else None

    return dict(wait_for(ended, f"{promotion} did not end", _PATIENCE_S, _EVERY_S))


def entries(stage: Stage, since: datetime) -> list[dict[str, Any]]:
    """The audit log's entries on the model *since* then."""
    all_entries = stage.app.get(f"models/{MODEL}/history")["entries"]
    return [entry for entry in all_entries if datetime.fromisoformat(entry["at"]) >= since]


def drift(stage: Stage) -> dict[str, Any]:
    """The window of the version that the routes score with, its last report and its page."""
    return dict(next(iter(stage.app.get(f"models/{MODEL}/drift")["versions"]), {"window": None, "report": None}))


def tell_timeline(stage: Stage, turn: Turn) -> float:
    """Print what happened when; how many seconds it took from the first file to the end."""
    moments = sorted(_moments(stage, turn), key=lambda moment: moment.at)
    for moment in moments:
        seconds = (moment.at - turn.started_at).total_seconds()
        click.echo(f"       {seconds:7.2f} s  {moment.title:<22} {moment.detail[:_WIDTH]}".rstrip())
    return (moments[-1].at - turn.started_at).total_seconds()


def keep_page(stage: Stage, path: str, name: str) -> str:
    """A copy of the page at *path* of the hub that outlives the local cloud; where it is."""
    target = stage.folder.parent / "pages" / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(read(stage.hub, path))
    return str(target)


def _moments(stage: Stage, turn: Turn) -> Iterator[Moment]:
    yield Moment(at=turn.started_at, title="file landed", detail="442 patients, in the hub's container landing")
    for row in stage.app.get("runs", route=_ROUTE)["runs"]:
        if _time(row["opened"]) >= turn.started_at:
            yield Moment(at=_time(row["opened"]), title="scoring begins", detail=row["run"])
            yield Moment(at=_time(row["closed"]), title="scored", detail=row["outcome"])
    report = drift(stage)["report"]
    expect(report and _time(report["written"]) >= turn.started_at, "no drift was looked for")
    window = f"window {report['window']}, {report['verdict']['rows']} rows"
    yield Moment(at=_time(report["written"]), title=report["outcome"], detail=f"{report['because']} ({window})")
    for entry in entries(stage, turn.started_at):
        if entry["kind"] not in _SILENT:
            yield Moment(at=_time(entry["at"]), title=entry["kind"], detail=_entry_text(entry))


def _entry_text(entry: dict[str, Any]) -> str:
    """An entry of the audit log in a line."""
    facts, kind = entry["facts"], entry["kind"]
    if kind == "assessed":
        verdicts = ", ".join(f"{verdict['gate']} {verdict['outcome']}" for verdict in facts["verdicts"])
        return f"{facts['stage']} ({facts['phase']}): {verdicts or 'nothing is asked'}"
    if kind == "moved":
        return f"{facts['stage']}: {facts['move']}"
    if kind == "challenger registered":
        return f"{entry['subject']} in {facts['workspace']}, {facts['digest'][:19]}"
    if kind == "planned":
        return f"{facts['promotion']}, to {facts['target']}"
    because = facts.get("because") or ""
    return because if isinstance(because, str) else "; ".join(because)


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
