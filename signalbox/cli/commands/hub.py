"""Land files in the hub, from here or from a source, look at imports, check files, and release held answers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import click

from signalbox.cli.app_client import AppClient, find_app, find_endpoints
from signalbox.cli.errors import NO, Undecided, UnknownName, Unreachable, Unusable, of_azure
from signalbox.cli.landing import Landing, find_landing
from signalbox.cli.local_checks import check_locally
from signalbox.cli.names import IMPORTS, ROUTES, refuse_unknown, suggesting
from signalbox.cli.output import emit_answer, emit_facts, emit_json, emit_table, sample_lines
from signalbox.cli.progress import copying
from signalbox.cli.project_files import app_option
from signalbox.counting import counted
from signalbox.launcher.endpoints import ACCOUNT, Endpoints, listens

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient

_json = click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option("--route", default="", help="Where files of this route land; not needed where there is only one route.")
@click.option(
    "--capture", "captures", multiple=True, metavar="NAME=VALUE", help="What fills {NAME} of the route's path: `local`."
)
@click.option("--to", "target", default="", help="CONTAINER/PATH instead; a path that ends in / takes the file's name.")
@click.option("--hub", help="The hub's blob service on Azure; the local one if absent.")
def drop(files: tuple[Path, ...], route: str, captures: tuple[str, ...], target: str, hub: str | None) -> None:
    """Land each FILE in the Data Hub, where ROUTE takes it or where you say."""
    if target and (route or captures):
        raise click.UsageError("give --route or --to, not both")
    if target and len(files) > 1 and not target.endswith("/"):
        raise click.UsageError(f"--to is {target!r}, one name for {len(files)} files; end it in / to keep their names")
    if target:
        landings = [Landing(place=target + file.name if target.endswith("/") else target) for file in files]
    else:
        app, folders = find_app(), dict(map(_capture, captures))
        landings = [find_landing(app, route, file.name, folders) for file in files]
    account = landings[0].account  # All land by one route, in one container.
    if hub and account and urlsplit(hub).netloc.partition(".")[0] != account:
        raise Unusable(f"{landings[0].place} is in the account {account}; name its blob service with --hub")
    with hub_at(hub, account) as client:
        for file, landing in zip(files, landings, strict=True):
            upload(client, file, landing.place)
            click.echo(f"landed {landing.place}")
            if landing.next:
                click.echo(landing.next)


@click.command("import")
@click.argument("route")
@click.argument("source")
@click.option(
    "--capture", "captures", multiple=True, metavar="NAME=VALUE", help="What fills {NAME} of the route's path: `local`."
)
@click.option(
    "--to", "target", default="", help="CONTAINER/PATH instead; a path that ends in / takes the files' names."
)
@click.option("--sha256", default="", help="The digest that the file must have.")
@click.option("--reason", required=True, help="Why; it is recorded.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the end.")
@click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
@_json
@click.pass_context
def import_files(
    context: click.Context,
    route: str,
    source: str,
    captures: tuple[str, ...],
    target: str,
    sha256: str,
    reason: str,
    no_wait: bool,
    person: str,
    as_json: bool,
) -> None:
    """Have the app fetch SOURCE and land it where ROUTE takes it: azureml:NAME:VERSION, or https://HOST/PATH.

    0: it has landed. 1: it has not, and the answer says why.
    """
    if target and captures:
        raise click.UsageError("give --capture or --to, not both")
    app, folders = find_app(person, signed=bool(person)), dict(map(_capture, captures))
    # Only an address says the file's name here; what a data asset holds, the app finds out.
    name = "" if source.startswith("azureml:") else source.rpartition("/")[2]
    place = target or find_landing(app, route, name, folders).place
    with suggesting(app, ROUTES, route):
        answer = app.post(
            "imports", {"route": route, "source": source, "path": place, "sha256": sha256, "reason": reason}
        )
    if no_wait:
        emit_answer(answer, as_json)
        return
    operation = app.follow(answer)
    if as_json:
        emit_json(operation)
    else:
        files = (operation["result"] or {}).get("files", ())
        emit_facts(
            {
                "import": operation["id"],
                "outcome": operation["outcome"] or operation["status"],
                "because": operation["because"],
                "landed": ", ".join(files),
            }
        )
    context.exit(0 if operation["status"] == "succeeded" else NO)


@click.command()
@click.argument("name", required=False)
@click.option("--route", help="Only imports for this route.")
@click.option("--outcome", help="Only imports that ended so: imported or failed.")
@click.option("--source", help="Only imports whose source has this part.")
@click.option("--sort", help="opened, route, outcome, source, target or closed; -opened is the newest first, as usual.")
@_json
def imports(
    name: str | None, route: str | None, outcome: str | None, source: str | None, sort: str | None, as_json: bool
) -> None:
    """Show the newest imports, or the import NAME with its files and their runs."""
    app = find_app()
    if name:
        with suggesting(app, IMPORTS, name):
            shown = app.get(f"imports/{name}")
        emit_json(shown) if as_json else _show_import(shown)
        return
    asked = {"route": route, "outcome": outcome, "source": source, "sort": sort}
    filters = {field: value for field, value in asked.items() if value}
    listing = app.get("imports", **filters)
    if route and not listing["imports"]:
        refuse_unknown(app, ROUTES, route)
    if as_json:
        emit_json(listing)
        return
    rows = [
        (row["name"], row["outcome"] or "under way", row["source"], row["target"], row["opened"])
        for row in listing["imports"]
    ]
    empty = "no import fits" if filters else "nothing has been imported yet; `signalbox import` does it"
    emit_table(("import", "outcome", "source", "target", "opened"), rows, empty)


def _show_import(shown: dict[str, Any]) -> None:
    facts = {"import": shown["name"], "outcome": shown["outcome"] or shown["step"] or shown["status"]}
    facts |= {
        name: shown[name] for name in ("because", "source", "origin", "target", "by", "reason", "opened", "closed")
    }
    emit_facts({name: value for name, value in facts.items() if value})
    rows = [
        (file["path"], str(file["bytes"]), file["sha256"][:16], ", ".join(run["run"] for run in file["runs"]))
        for file in shown["files"]
    ]
    emit_table(("file", "bytes", "sha256", "runs"), rows, "nothing is fetched yet")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--route", default="", help="Check against the contract of this route, by the app.")
@click.option("--contract", type=_FILE, help="Check against this contract, here: no app and no cloud is needed.")
@click.option("--hub", help="The hub's blob service on Azure; the local one if absent.")
@app_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.pass_context
def check(
    context: click.Context, file: Path, route: str, contract: Path | None, hub: str | None, app: Path, as_json: bool
) -> None:
    """Check FILE against a data contract.

    0: it passes. 1: it has findings. 2: it cannot be tried. 3: the app could not decide.
    """
    if bool(route) == bool(contract):
        raise click.UsageError("give --route or --contract, one of the two")
    if contract:
        context.exit(check_locally(app, file, contract, as_json))
    _check_by_route(context, file, route, hub, as_json)


def _check_by_route(context: click.Context, file: Path, route: str, hub: str | None, as_json: bool) -> None:
    """Print the verdict of the app, and exit by it. Raises Undecided where its check ended without one."""
    app = find_app()
    path = lend(app, file, hub)
    with suggesting(app, ROUTES, route):
        operation_start = app.post("data-checks", {"path": path, "route": route})
    operation = app.follow(operation_start)
    if operation["result"] is None:
        raise Undecided(operation["because"] or f"the check ended as {operation['status']}; look at the app's log")
    report = app.get(operation["resource"].removeprefix("/api/v1/"))["report"]
    if as_json:
        emit_json(report)
    else:
        _print(report)
    context.exit(0 if operation["result"]["outcome"] == "passed" else NO)


def lend(app: AppClient, file: Path, hub: str | None) -> str:
    """Upload *file* to the hub's staging container, which *app* names, for the app to check; returns its place."""
    path = f"{app.get('configuration')['staging']}/checks/{uuid4().hex}/{file.name}"
    with hub_at(hub) as client:
        upload(client, file, path)
    return path


def upload(client: "BlobServiceClient", file: Path, place: str) -> None:
    """Write *file* to *place*, over what is there. Raises UnknownName where the container is missing."""
    from azure.core.exceptions import AzureError, ResourceNotFoundError

    container, _, path = place.partition("/")
    if not container or not path:
        raise Unusable(f"--to is {place!r}; write CONTAINER/PATH, such as landing/wards/north/")
    with file.open("rb") as stream, copying(f"copying {file.name}", file.stat().st_size) as advance:
        try:
            blob = client.get_blob_client(container, path)
            blob.upload_blob(stream, overwrite=True, progress_hook=lambda sent_bytes, _: advance(sent_bytes))
        except ResourceNotFoundError as error:
            raise UnknownName(
                f"the hub has no container {container!r}; create it, or name another place (see `signalbox doctor`)"
            ) from error
        except AzureError as error:
            raise of_azure(error, "the hub") from error


def hub_at(address: str | None, account: str = "") -> "BlobServiceClient":
    """The hub's client: of *address*, or else of the local cloud, which must be running, by default its Data Hub."""
    if not address:
        return local_hub(find_endpoints(), account or ACCOUNT)
    if urlsplit(address).scheme != "https":
        raise Unusable(f"--hub is {address!r}; write https://ACCOUNT.blob.core.windows.net: a token is sent there")
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import BlobServiceClient

    return BlobServiceClient(address, credential=DefaultAzureCredential(), retry_total=2)


def local_hub(endpoints: Endpoints, account: str) -> "BlobServiceClient":
    """Raises Unreachable at once where the local cloud does not run: the client would try for half a minute."""
    from signalbox.launcher.hub import hub_client

    if not listens(endpoints.storage):
        raise Unreachable("the local cloud of this folder does not run; start it with `signalbox up`")
    return hub_client(endpoints, account)


def _capture(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value) or "/" in value:
        raise click.UsageError(f"--capture is {text!r}; write NAME=VALUE, such as site=oslo")
    return name, value


def _print(report: dict[str, Any]) -> None:
    click.echo(f"{report['outcome']}: {counted(report['rows'], 'row')}")
    for number, sentence in enumerate(report["summary"]):
        click.echo(f"  {sentence}")
        for finding in report["findings"][number : number + 1]:
            for line in sample_lines(finding["examples"]):
                click.echo(f"    {line}")


@click.group()
def answers() -> None:
    """Show the parts of collected answers that their contract holds, or release one."""


@answers.command()
@_json
def held(as_json: bool) -> None:
    """List the parts that are not published, with the reasons."""
    response = find_app().get("answers/held")
    if as_json:
        emit_json(response)
        return
    rows = [
        (part["part"], part["at"], "; ".join(part["because"]), part["outputs"], part["may_release"])
        for part in response["parts"]
    ]
    emit_table(("part", "judged", "because", "outputs", "may release"), rows, "no part is held")


@answers.command()
@click.argument("part")
@click.option("--reason", required=True, help="Why; it is recorded.")
@click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
@_json
def release(part: str, reason: str, person: str, as_json: bool) -> None:
    """Have the held PART published as it is, at the next sweep."""
    app = find_app(person, signed=bool(person))
    emit_answer(app.post(f"answers/{part}/release", {"reason": reason}), as_json)
