"""What is asked of the app itself: `signalbox doctor` (what would keep it from working, with what to do about it), and
`signalbox token` (what a person calls its API with).

The doctor ends with 0 where nothing is wrong, 1 where something is broken, 3 where something could not be looked at.
"""

import sys

import click

from signalbox.cli.app_client import find_app, find_token
from signalbox.cli.errors import NO, UNDECIDED
from signalbox.cli.output import emit_json
from signalbox.cli.progress import waiting

_MARKS = {"broken": "x", "unknown": "?", "warning": "!", "ok": " "}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--all", "show_all", is_flag=True, help="Also what is right.")
def doctor(as_json: bool, show_all: bool) -> None:
    """Check identities, permissions, endpoints, subscriptions, locks and settings."""
    app = find_app()
    with waiting("looking at everything"):
        report = app.get("doctor")
    grades = report["grades"]
    if as_json:
        emit_json(report)
    else:
        for finding in report["findings"]:
            if show_all or finding["grade"] != "ok":
                click.echo(f"{_MARKS[finding['grade']]} {finding['check']}: {finding['subject']} {finding['found']}")
                if finding["fix"]:
                    click.echo(f"    {finding['fix']}")
        click.echo(", ".join(f"{number} {grade}" for grade, number in grades.items()))
    sys.exit(NO if grades.get("broken") else UNDECIDED if grades.get("unknown") else 0)


@click.command()
@click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
def token(person: str) -> None:
    """Print a token for the app's API, good for an hour: `Authorization: Bearer ...`."""
    click.echo(find_token(person))
