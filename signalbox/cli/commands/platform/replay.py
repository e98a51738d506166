"""`signalbox replay`: what an orchestration was told and decided at each turn, and whether other code decides alike."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signalbox.cli.app_client import find_endpoints
from signalbox.cli.errors import NO, NotSetUp, Unusable
from signalbox.cli.output import emit_json, printable
from signalbox.host.errors import HostError
from signalbox.product import app_folder

if TYPE_CHECKING:
    from signalbox.host.replays.histories import StoredHistory

_PATIENCE_S = 600


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True),
    help="A history, a folder of histories, or the state folder of a host; else the local cloud's host.",
)
@click.option("--hub", help="The task hub of a function app on Azure, in place of --from; `hubName` of its host.json.")
@click.option(
    "--account",
    help="The storage account that has the hub; else AzureWebJobsStorage holds its connection string.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder of an app: replay through its code and say only where it diverges.",
)
@click.option(
    "--export",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the histories into this folder, and replay nothing.",
)
@click.option(
    "--strict", is_flag=True, help="Another input of an activity is a divergence too; Azure only warns of it."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def replay(
    context: click.Context,
    ids: tuple[str, ...],
    source: Path | None,
    hub: str | None,
    account: str | None,
    against: Path | None,
    target: Path | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Replay the orchestrations ID, or all that have not ended, turn by turn through the code of an app.

    Before an upgrade `--against NEW_CODE` tells which of them the new code would break: it exits with 1 then. With
    --hub they are those of an app on Azure, which goes on meanwhile.
    """
    if hub is not None and source is not None:
        raise click.UsageError("--from and --hub name two sources; name one")
    from signalbox.host.replays.histories import write_file  # The host's libraries, which no other command needs.

    try:
        histories = list(_histories(source, ids) if hub is None else _on_azure(hub, account, ids))
        if target is not None:
            for history in histories:
                click.echo(write_file(history, target))
            return
        reports = _replay(against or app_folder(), histories)
    except HostError as error:
        raise Unusable(str(error)) from error
    if strict:
        for report in reports:
            report["divergence"] = report["divergence"] or next(iter(report["warnings"]), "")
    if as_json:
        emit_json(reports)
    else:
        for report in reports:
            _tell(report, whole=against is None)
        diverging = sum(bool(report["divergence"]) for report in reports)
        click.echo(f"{len(reports)} replayed, {diverging} diverge")
    context.exit(NO if any(report["divergence"] for report in reports) else 0)


def _histories(source: Path | None, ids: tuple[str, ...]) -> "Iterable[StoredHistory]":
    from signalbox.host.replays.histories import read_database, read_files

    if source is None:
        return read_database(Path(find_endpoints().state) / "host", ids)
    if (source / "host.db").is_file():
        return read_database(source, ids)
    return (history for history in read_files(source) if not ids or history.row.instance_id in ids)


def _on_azure(hub: str, account: str | None, ids: tuple[str, ...]) -> "Iterable[StoredHistory]":
    from azure.data.tables import TableServiceClient
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import BlobServiceClient

    from signalbox.host.replays.azure_storage import StorageHub

    if account is not None:
        credential = DefaultAzureCredential()
        tables = TableServiceClient(f"https://{account}.table.core.windows.net", credential=credential, retry_total=2)
        blobs = BlobServiceClient(f"https://{account}.blob.core.windows.net", credential=credential, retry_total=2)
    elif connection := os.environ.get("AzureWebJobsStorage"):  # noqa: SIM112 (the platform spells it so)
        tables = TableServiceClient.from_connection_string(connection, retry_total=2)
        blobs = BlobServiceClient.from_connection_string(connection, retry_total=2)
    else:
        raise click.UsageError("--hub needs --account, or a connection string in AzureWebJobsStorage")
    with tables, blobs:
        yield from StorageHub(hub, tables, blobs).histories(ids)


def _replay(app: Path, histories: "Iterable[StoredHistory]") -> list[dict[str, Any]]:
    """The reports of a process that imports *app*. Raises NotSetUp where it cannot."""
    lines = "".join(json.dumps(history.to_json()) + "\n" for history in histories)
    command = [sys.executable, "-m", "signalbox.host.replays", str(app.resolve())]
    child = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if child.returncode:
        ending = child.stderr.strip().splitlines()[-1:] or [f"code {child.returncode}"]
        raise NotSetUp(f"the app in {app} cannot be replayed: {ending[0]}")
    return [json.loads(line) for line in child.stdout.splitlines()]


def _tell(report: dict[str, Any], *, whole: bool) -> None:
    click.echo(printable(f"{report['instance']}  {report['name']}"))
    for turn in report["turns"] if whole else ():
        click.echo(f"  turn {turn['number']}  {turn['at']}")
        for event in turn["events"]:
            click.echo(printable(f"    < {event}"))
        for decision in turn["decisions"]:
            click.echo(printable(f"    > {decision}"))
    for warning in report["warnings"]:
        click.echo(printable(f"  warning: {warning}"))
    if report["divergence"]:
        click.echo(printable(f"  diverges: {report['divergence']}"))
