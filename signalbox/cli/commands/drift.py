"""Drift and feature relevance from the command line."""

from pathlib import Path
from typing import Any

import click

from signalbox.cli.app_client import find_app
from signalbox.cli.commands.hub import lend
from signalbox.cli.errors import NO, UNDECIDED
from signalbox.cli.names import MODELS, ROUTES, suggesting
from signalbox.cli.output import emit_facts, emit_json, emit_table
from signalbox.cli.progress import waiting
from signalbox.counting import counted

_json = click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
_hub = click.option("--hub", help="The hub's blob service on Azure; the local one if absent.")
_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


class _ModelOrCommand(click.Group):
    """`drift MODEL` is `drift show MODEL`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(ctx, args if args[0] in self.commands else ["show", *args])


@click.group(cls=_ModelOrCommand)
def drift() -> None:
    """Show the drift of a MODEL, or check a file for it."""


@drift.command()
@click.argument("model")
@_json
def show(model: str, as_json: bool) -> None:
    """The window of every version of MODEL, and what its last report says."""
    app = find_app()
    with suggesting(app, MODELS, model):
        drift_state = app.get(f"models/{model}/drift")
    if as_json:
        emit_json(drift_state)
        return
    for version in drift_state["versions"]:
        window, report = version["window"], version["report"] or {}
        runs = counted(window.get("runs", 0), "run")
        emit_facts(
            {
                "version": version["version"],
                "window": f"{window['number']}, opened {window['opened']}" if window else "",
                "rows": f"{window.get('rows', 0)} of {drift_state['watch']['rows']}, {runs}",
                "outcome": report.get("outcome", "not looked at yet"),
                "because": report.get("because", ""),
                "false alarms": f"at most {version['false_alarm_month']:.0%} a month"
                f" ({version['windows_month']} windows in 30 days)",
                "page": version["page"],
                "problem": (version["problem"] or {}).get("because", ""),
            }
        )
        click.echo()
        _print_columns(report.get("verdict", {}).get("columns", []))
    if not drift_state["versions"]:
        click.echo("no run has been counted yet")


@drift.command("check")
@_file
@click.option("--route", required=True, help="Read the file as this route does, beside the reference of its model.")
@_hub
@_json
@click.pass_context
def check_file(context: click.Context, file: Path, route: str, hub: str | None, as_json: bool) -> None:
    """Compare FILE with the model's training data; exit code 1 if it drifted, 3 if too few rows can tell."""
    app = find_app()
    path = lend(app, file, hub)
    with suggesting(app, ROUTES, route), waiting(f"comparing {file.name}"):
        report = app.post("drift-checks", {"path": path, "route": route})
    if as_json:
        emit_json(report)
    else:
        click.echo(f"{report['outcome']}: {report['because']}")
        _print_columns(report["columns"])
    context.exit({"none": 0, "drifted": NO}.get(report["outcome"], UNDECIDED))


@click.command()
@_file
@click.option("--target", required=True, help="The column that the others are to tell something about.")
@click.option("--resamples", default=100, show_default=True, help="Half-samples, for the spread and the stability.")
@click.option("--seed", default=0, show_default=True)
@_hub
@_json
def features(file: Path, target: str, resamples: int, seed: int, hub: str | None, as_json: bool) -> None:
    """Which columns of FILE tell something about the target: F, chi-squared and mutual information."""
    app = find_app()
    question = {"path": lend(app, file, hub), "target": target, "resamples": resamples, "seed": seed}
    with waiting(f"looking at the columns of {file.name}"):
        relevance = app.post("feature-relevance", question)
    if as_json:
        emit_json(relevance)
        return
    rows = [
        (
            feature["name"],
            "yes" if feature["selected"] else "no",
            f"{feature['information']:.3f} ± {feature['error']:.3f}",
            f"{feature['adjusted_p']:.2g}",
            f"{feature['stability']:.0%}",
        )
        for feature in relevance["features"]
    ]
    emit_table(("column", "selected", "information (nats)", "adjusted p", "stability"), rows)


def _print_columns(columns: list[dict[str, Any]]) -> None:
    rows = [
        (
            column["column"],
            column["part"],
            column["movement"],
            f"{column['share']:.0%}" if column["share"] else "",
            column["because"],
        )
        for column in sorted(columns, key=lambda column: (-column["share"], -(column["effect"] or 0)))
    ]
    if rows:
        emit_table(("column", "part", "verdict", "share", "because"), rows)
