"""`signalbox data`: show a data set, register it in a workspace, and publish it as a version that never changes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from signalbox.cli.app_client import find_app
from signalbox.cli.errors import NO, RefusedByApp, Unusable
from signalbox.cli.local_checks import figures_of
from signalbox.cli.output import emit_answer, emit_facts, emit_json, emit_table
from signalbox.cli.progress import waiting
from signalbox.cli.project_files import app_option, config_option
from signalbox.cli.project_workspaces import environment_option, facts_of_project, workspace_of
from signalbox.counting import counted

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_as = click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
_GOOD = ("published", "already published")


def _reference(_: click.Context, __: click.Parameter, text: str) -> tuple[str, str]:
    """The name and the version in *text*. Raises click.BadParameter."""
    name, at, version = text.partition("@")
    if not (name and at and version):
        raise click.BadParameter(f"{text!r} is no published version; write NAME@VERSION, such as churn-holdout@3")
    return name, version


def _summary(facts: Mapping[str, Any]) -> str:
    if facts["boxes"] is not None:
        boxes = counted(sum(facts["boxes"]["labels"].values()), "box", "boxes")
        return f"{counted(facts['boxes']['images'], 'image')}, {boxes}"
    table = facts["table"]
    columns = counted(len(table["columns"]) + len(table["others"]), "column")
    return f"{counted(table['rows'], 'row')}, {columns}"


def _asset(_: click.Context, __: click.Parameter, text: str) -> tuple[str, str]:
    """The name and the version in *text*. Raises click.BadParameter."""
    name, colon, version = text.partition(":")
    if not (name and colon and version):
        raise click.BadParameter(f"{text!r} is no version of an asset; write NAME:VERSION, such as churn-labels:3")
    return name, version


@click.group()
def data() -> None:
    """Show data sets, register them in a workspace, publish them, and list what was published."""


@data.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="The page; FILE.html if absent."
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="PATTERN",
    help="Describe the column of this name, or those that fit this pattern, such as 'sensor_*'; may be repeated.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the figures as JSON, and write no page unless --out is given."
)
@app_option
@click.pass_context
def profile(
    context: click.Context,
    files: tuple[Path, ...],
    out: Path | None,
    columns: tuple[str, ...],
    as_json: bool,
    app: Path,
) -> None:
    """Show what FILES of one format are together: columns, histograms, missing values and correlations, as a page.

    CSV, JSON Lines and Parquet are tables; COCO's JSON is images with boxes. It takes two minutes and 768 MB at most.
    The page has plots to zoom into, and loads nothing; 200 columns are described, and 60 of them drawn.
    """
    with waiting(f"reading {files[0].name}"):
        code, figures = figures_of(app, files, columns)
    if as_json:
        click.echo(figures, nl=False)
    page = out if out or as_json else Path(f"{files[0].name}.html")
    if page is not None and figures:
        from signalbox.dataset_page.page import dataset_page  # Bokeh takes a second to import.

        facts = json.loads(figures)
        with waiting(f"drawing {page.name}"):
            page.write_text(dataset_page(facts), encoding="utf-8")
        click.echo(f"wrote {page}: {_summary(facts)}", err=as_json)
    context.exit(code)


@data.command()
@click.argument("name", metavar="NAME:VERSION", callback=_asset)
@click.argument("source")
@click.option(
    "--type", "kind", type=click.Choice(["uri_file", "uri_folder", "mltable"]), default=None, help="Of an address."
)
@environment_option
@config_option
@app_option
def register(
    name: tuple[str, str], source: str, kind: str | None, environment: str, config: Path | None, app: Path
) -> None:
    """Register SOURCE as the data asset NAME:VERSION: a file or folder here, which is uploaded, or an address."""
    from signalbox.models.datasets import DataRefused, DataVersion, register_data

    workspace = workspace_of(facts_of_project(config, app), environment)
    version = DataVersion(name=name[0], version=name[1], source=source, kind=kind or "")
    try:
        with waiting(f"registering {':'.join(name)}"):
            address = register_data(workspace, version)
    except DataRefused as error:
        raise Unusable(str(error)) from error
    click.echo(f"registered {':'.join(name)} in {environment}: {address}")


@data.command()
@click.argument("name")
@click.argument("place", metavar="ACCOUNT/CONTAINER")
@environment_option
@config_option
@app_option
def datastore(name: str, place: str, environment: str, config: Path | None, app: Path) -> None:
    """Register the blob container ACCOUNT/CONTAINER as the datastore NAME."""
    from signalbox.models.datasets import DataRefused, register_datastore

    account, slash, container = place.partition("/")
    if not (account and slash and container):
        raise Unusable(f"{place!r} is no container; write ACCOUNT/CONTAINER, such as datahub/landing")
    workspace = workspace_of(facts_of_project(config, app), environment)
    try:
        with waiting(f"registering {name}"):
            register_datastore(workspace, name, account, container)
    except DataRefused as error:
        raise Unusable(str(error)) from error
    click.echo(f"registered datastore {name} in {environment}: {place}")


@data.command()
@click.argument("reference", metavar="NAME@VERSION", callback=_reference)
@click.argument("folder", metavar="CONTAINER/FOLDER/")
@click.option("--note", default="", help="What it is; kept in the manifest.")
@click.option("--run", "runs", multiple=True, help="A run that it was made from; may be repeated.")
@click.option("--file", "files", multiple=True, help="A file of the hub that it was made from; may be repeated.")
@click.option("--version", "versions", multiple=True, help="A published version that it was made from; likewise.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the end.")
@_as
@_json
@click.pass_context
def publish(
    context: click.Context,
    reference: tuple[str, str],
    folder: str,
    note: str,
    runs: tuple[str, ...],
    files: tuple[str, ...],
    versions: tuple[str, ...],
    no_wait: bool,
    person: str,
    as_json: bool,
) -> None:
    """Publish what lies in CONTAINER/FOLDER/ of the hub as the version NAME@VERSION, which never changes."""
    lineage = {"runs": list(runs), "files": list(files), "versions": list(versions)}
    body = {"name": reference[0], "version": reference[1], "folder": f"{folder.rstrip('/')}/", "note": note, **lineage}
    app = find_app(person, signed=bool(person))
    answer = app.post("datasets", body)
    if no_wait:
        emit_answer(answer, as_json)
        return
    result = _result(app.follow(answer))
    if as_json:
        emit_json(result)
    else:
        emit_facts({name: _text(value) for name, value in result.items()})
    context.exit(0 if result["outcome"] in _GOOD and not result["unregistered"] else NO)


@data.command("list")
@click.argument("name", default="")
@_json
def list_versions(name: str, as_json: bool) -> None:
    """List the published versions, the newest first; of the data set NAME alone, if it is given."""
    listing = find_app().get("datasets", **({"name": name} if name else {}))
    if as_json:
        emit_json(listing)
        return
    rows = [(f"{row['name']}@{row['version']}", row["at"]) for row in listing["datasets"]]
    emit_table(("version", "published"), rows, "nothing was published yet; `signalbox data publish` publishes a folder")


@data.command()
@click.argument("reference", metavar="NAME@VERSION", callback=_reference)
@_json
def show(reference: tuple[str, str], as_json: bool) -> None:
    """Show the manifest of NAME@VERSION: its files with their digests, its columns, and where it came from."""
    manifest = find_app().get(f"datasets/{reference[0]}/versions/{reference[1]}")
    if as_json:
        emit_json(manifest)
        return
    parts = ("files", "columns", "lineage")
    emit_facts({name: _text(value) for name, value in manifest.items() if name not in parts and value})
    click.echo()
    files = [(file["path"], str(file["bytes"]), f"sha256:{file['sha256']}") for file in manifest["files"]]
    emit_table(("file", "bytes", "digest"), files)
    if manifest["columns"]:
        click.echo()
        columns = [(column["name"], column["type"], str(column["missing"])) for column in manifest["columns"]]
        emit_table(("column", "type", "missing"), columns)
    if manifest["lineage"]:
        click.echo()
        links = [(link["kind"], link["name"], link["digest"]) for link in manifest["lineage"]]
        emit_table(("made from", "name", "digest"), links)


def _result(operation: dict[str, Any]) -> dict[str, Any]:
    """The result of a publication that has ended. Raises RefusedByApp where its orchestration ended without one."""
    result = operation.get("result")
    if not isinstance(result, dict):
        raise RefusedByApp(f"{operation['id']} ended as {operation['status']}: {operation['because']}; publish again")
    return result


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {count}" for name, count in value.items())
    return str(value)
