"""`signalbox trace`: what a run or promotion did, joined over hosts and restarts, as a tree."""

import os
import re
import sqlite3
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from signalbox.cli.app_client import find_endpoints
from signalbox.cli.errors import NotAllowed, NotSetUp, UnknownName, Unreachable, first_line
from signalbox.cli.output import emit_json
from signalbox.product import let_import_app
from signalbox.traces.span_file import FiledSpans
from signalbox.traces.spans import Span, Trace

_WORKSPACE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LOG_ANALYTICS = "https://api.loganalytics.io"


def _workspace_id(_: click.Context, __: click.Parameter, text: str | None) -> str:
    if text and not _WORKSPACE.fullmatch(text):
        raise click.BadParameter(f"{text!r} is no workspace id; write the GUID that the portal shows as Workspace ID")
    return text or ""


@click.command()
@click.argument("instance")
@click.option(
    "--workspace",
    envvar="SIGNALBOX_TRACES",
    callback=_workspace_id,
    help="Ask Application Insights: the id (a GUID) of its Log Analytics workspace.",
)
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 730), help="How far to look back there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def trace(instance: str, workspace: str, days: int, as_json: bool) -> None:
    """The trace of the run, promotion or other orchestration INSTANCE, of this machine or of Application Insights."""
    newest = _logged(instance, workspace, days) if workspace else _filed(instance)
    if newest is None:
        place = f"in the last {days} days of workspace {workspace}" if workspace else "on this machine"
        elsewhere = "" if workspace else ", and on Azure give --workspace, for the spans in Application Insights"
        raise UnknownName(
            f"no span of {instance} is kept {place}; name a run or a promotion of `signalbox status` or "
            f"`signalbox promotions`{elsewhere}"
        )
    if as_json:
        emit_json({"trace": newest.trace, "spans": [asdict(span) for span in newest.spans]})
        return
    click.echo(f"trace {newest.trace}")
    for depth, span in newest.tree():
        click.echo(_line(depth, span))


def _filed(instance: str) -> Trace | None:
    spans_file = Path(find_endpoints().state) / "spans.db"
    try:
        return FiledSpans(spans_file).newest(instance)
    except sqlite3.DatabaseError as error:
        raise NotSetUp(
            f"{spans_file} cannot be read: {first_line(error)}; remove it, and start `signalbox up`"
        ) from error


def _logged(instance: str, workspace: str, days: int) -> Trace | None:
    from azure.identity import AzureCliCredential

    let_import_app()
    from shared.domain.failures import Refused, Transient
    from signalbox.traces.application_insights import LoggedSpans  # Azure's client, which a local trace need not load.

    address = os.environ.get("AZURE_LOG_ANALYTICS_URL", _LOG_ANALYTICS)
    try:
        return LoggedSpans(AzureCliCredential(), address, workspace, days).newest(instance)
    except Refused as refusal:
        raise NotAllowed(
            f"{refusal}; sign in with `az login` as somebody who has Log Analytics Reader there"
        ) from refusal
    except Transient as fault:
        raise Unreachable(f"{fault}; try again") from fault


def _line(depth: int, span: Span) -> str:
    at = datetime.fromtimestamp(span.began / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
    mark = "x" if span.failed else " "
    took = f"{(span.ended - span.began) / 1e9:.3f} s"
    return f"{at} {mark} {'  ' * depth}{span.name:<{max(1, 34 - 2 * depth)}} {took:>10}  {span.note}".rstrip()
