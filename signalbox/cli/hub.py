"""Land files in the hub, and check them, without waiting for an event."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import click
from azure.storage.blob import BlobServiceClient

from signalbox.cli.app_client import find_app, find_endpoints
from signalbox.cli.local_checks import check_locally
from signalbox.cli.output import emit_json
from signalbox.launcher.hub import hub_client

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--to",
    "target",
    default="landing/diabetes/each/local/",
    show_default=True,
    help="CONTAINER/PATH; a path that ends in / takes the file's name.",
)
@click.option("--hub", help="The hub's blob service on Azure; the local one if absent.")
def drop(file: Path, target: str, hub: str | None) -> None:
    """Land FILE in the Data Hub."""
    place = target + file.name if target.endswith("/") else target
    with hub_at(hub) as client:
        upload(client, file, place)
    click.echo(f"landed {place}")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--route", default="", help="Check against the contract of this route, by the app.")
@click.option("--contract", type=_FILE, help="Check against this contract, here: no app and no cloud is needed.")
@click.option("--hub", help="The hub's blob service on Azure; the local one if absent.")
@click.option("--app", type=_FOLDER, default=Path(), help="The app's folder, for --contract.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.pass_context
def check(
    context: click.Context, file: Path, route: str, contract: Path | None, hub: str | None, app: Path, as_json: bool
) -> None:
    """Check FILE against a data contract: 0 where it passes, 1 where it has findings, 2 where it cannot be tried."""
    if bool(route) == bool(contract):
        raise click.UsageError("give --route or --contract, one of the two")
    if contract:
        context.exit(check_locally(app, file, contract, as_json))
    _check_by_route(context, file, route, hub, as_json)


def _check_by_route(context: click.Context, file: Path, route: str, hub: str | None, as_json: bool) -> None:
    place = f"signalbox-staging/checks/{uuid4().hex}/{file.name}"
    with hub_at(hub) as client:
        upload(client, file, place)
    app = find_app()
    ended = app.follow(app.post("data-checks", {"path": place, "route": route}))
    if ended["result"] is None:
        raise click.ClickException(ended["because"] or f"the check ended as {ended['status']}")
    if as_json:
        emit_json(app.get(ended["resource"].removeprefix("/api/v1/"))["report"])
    else:
        _print(ended["result"])
    context.exit(0 if ended["result"]["outcome"] == "passed" else 1)


def upload(client: BlobServiceClient, file: Path, place: str) -> None:
    container, _, path = place.partition("/")
    with file.open("rb") as stream:
        client.get_blob_client(container, path).upload_blob(stream, overwrite=True)


def hub_at(address: str | None) -> BlobServiceClient:
    if not address:
        return hub_client(find_endpoints())
    from azure.identity import DefaultAzureCredential

    return BlobServiceClient(address, credential=DefaultAzureCredential())


def _print(report: dict[str, Any]) -> None:
    click.echo(f"{report['outcome']}: {report['rows']} rows")
    for line in report["summary"]:
        click.echo(f"  {line}")
