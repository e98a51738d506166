"""`signalbox download`: a run's predictions, each file proven by the digest in the run's manifest."""

import base64
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from signalbox.cli.app_client import AppClient, find_app
from signalbox.cli.errors import RefusedByApp, Unusable
from signalbox.cli.names import RUNS, suggesting
from signalbox.cli.output import emit_json
from signalbox.cli.progress import copying


@click.command()
@click.argument("run")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write to; a new one with the run's name if absent.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
@click.option("--json", "as_json", is_flag=True, help="Print the list of files as JSON.")
def download(run: str, folder: Path | None, force: bool, person: str, as_json: bool) -> None:
    """Fetch the predictions of RUN; a file whose digest is not the manifest's is not kept."""
    app = find_app(person, signed=bool(person))
    with suggesting(app, RUNS, run):
        predictions = app.get(f"runs/{run}/predictions")
    target = folder or Path(run)
    files = [(file, _place(target, file["name"], force)) for file in predictions["files"]]
    target.mkdir(parents=True, exist_ok=True)
    for file, path in files:
        _fetch(app, run, file, path, force)
        if not as_json:
            click.echo(f"{path}  {file['rows']} rows  sha256:{file['sha256']}")
    if as_json:
        emit_json(predictions)
    elif not files:
        click.echo("the run published no file")


def _place(target: Path, name: str, force: bool) -> Path:
    """Where the file *name* goes. Raises Unusable where that is not plainly inside *target*, or something is there."""
    if not name or name in (".", "..") or "/" in name or "\\" in name or not name.isprintable():
        raise Unusable(f"the manifest names a file {name!r}, which is no plain name; nothing was written")
    path = target / name
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise Unusable(f"{path} is there and no plain file; remove it, or give another folder: --out FOLDER")
    if path.exists() and not force:
        raise Unusable(f"{path} is there already; give --force to overwrite it, or another folder: --out FOLDER")
    return path


def _fetch(app: AppClient, run: str, file: Mapping[str, Any], path: Path, force: bool) -> None:
    """Write *file* to *path* at once and whole. Raises RefusedByApp where its bytes are not what was published."""
    part, digest = path.with_name(f".{path.name}.part-{os.getpid()}"), hashlib.sha256()
    try:
        with part.open("xb") as output, copying(f"fetching {file['name']}", file["bytes"]) as advance:
            for content in _pieces(app, run, file, advance):
                output.write(content)
                digest.update(content)
        if digest.hexdigest() != file["sha256"]:
            raise RefusedByApp(
                f"{file['name']} is not what run {run} published: its sha256 is {digest.hexdigest()}, "
                f"the manifest's {file['sha256']}; nothing was kept of it, see `signalbox status {run}`"
            )
        _settle(part, path, force)
    finally:
        part.unlink(missing_ok=True)


def _settle(part: Path, path: Path, force: bool) -> None:
    """Give the whole file its name; without *force* never over one that came meanwhile."""
    if force:
        part.replace(path)
        return
    try:
        path.hardlink_to(part)
    except FileExistsError as error:
        raise Unusable(f"{path} is there already; give --force to overwrite it") from error


def _pieces(app: AppClient, run: str, file: Mapping[str, Any], advance: Callable[[int], None]) -> Iterator[bytes]:
    offset = 0
    while offset < file["bytes"]:
        piece = app.get(f"runs/{run}/predictions/piece", name=file["name"], offset=str(offset))
        content = base64.b64decode(piece["content"], validate=True)
        if not content:
            raise RefusedByApp(f"{file['name']} ends after {offset} of {file['bytes']} bytes; nothing was kept of it")
        offset += len(content)
        yield content
        advance(offset)
