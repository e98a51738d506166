"""`signalbox keys`: make, list, retire and revoke the keys that sign statements. It needs no app that runs.

The app's own code does the work, in a process of its own; `signalbox up` makes the local cloud's keys by itself.
"""

from pathlib import Path

import click

from signalbox.cli.app_client import STATE
from signalbox.cli.errors import NotSetUp, Unusable
from signalbox.cli.local_checks import change_keys
from signalbox.cli.project_files import app_option
from signalbox.launcher.endpoints import read_endpoints

_PURPOSES = click.Choice(["door", "measuring", "deciding", "log"])
_trusted = click.option(
    "--trusted",
    required=True,
    envvar="SIGNALBOX_TRUSTED_KEYS",
    show_envvar=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The JSON Web Key Set of the trusted keys.",
)


@click.group()
def keys() -> None:
    """Make, list, retire and revoke signing keys."""


@keys.command("new")
@click.argument("purpose", type=_PURPOSES)
@_trusted
@click.option("--vault", default="", help="Make it in this Key Vault: https://NAME.vault.azure.net.")
@click.option("--pem", type=click.Path(dir_okay=False, path_type=Path), help="Make it in this file, for one machine.")
@click.option("--id", "keyid", default="", help="Its id; PURPOSE-N where absent.")
@click.option("--name", default="", help="Its name in the vault; signalbox-PURPOSE where absent.")
@click.option("--from", "start", default="", help="From when on it is trusted, as 2026-11-29T12:00:00Z; now if absent.")
@click.option("--overlap-hours", default=24.0, show_default=True, help="How much longer the old key is trusted.")
@click.option("--hsm", is_flag=True, help="Keep it in a hardware module (a premium vault).")
@click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
@app_option
@click.pass_context
def new(
    context: click.Context,
    purpose: str,
    trusted: Path,
    vault: str,
    pem: Path | None,
    keyid: str,
    name: str,
    start: str,
    overlap_hours: float,
    hsm: bool,
    person: str,
    app: Path,
) -> None:
    """Make a key for PURPOSE, trust it, and let the key before it end."""
    if bool(vault) == bool(pem):
        raise Unusable("name the place of the key: either --vault https://NAME.vault.azure.net or --pem FILE")
    options = ["--vault", vault] if vault else ["--pem", str(pem)]
    for option, value in (("--id", keyid), ("--name", name), ("--start", start)):
        options += [option, value] if value else []
    options += ["--overlap-hours", str(overlap_hours), *(["--hsm"] * hsm)]
    token = ""
    if person and vault:
        token = _local_token(person)
        options += ["--token-from-stdin", "--vault-hosts", vault.removeprefix("https://").rstrip("/")]
    context.exit(change_keys(app, ["new", purpose, "--trusted", str(trusted), *options], token))


@keys.command("list")
@_trusted
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_option
@click.pass_context
def list_keys(context: click.Context, trusted: Path, as_json: bool, app: Path) -> None:
    """Print each key: its purpose, from when until when it is trusted, and whether it may sign now."""
    context.exit(change_keys(app, ["list", "--trusted", str(trusted), *(["--json"] * as_json)]))


@keys.command()
@click.argument("key")
@_trusted
@click.option("--at", default="", help="When its time ends, as 2026-11-29T12:00:00Z; now if absent.")
@app_option
@click.pass_context
def retire(context: click.Context, key: str, trusted: Path, at: str, app: Path) -> None:
    """Let KEY sign no longer; what it signed before stays true."""
    options = ["--at", at] if at else []
    context.exit(change_keys(app, ["retire", key, "--trusted", str(trusted), *options]))


@keys.command()
@click.argument("key")
@_trusted
@click.option("--because", required=True, help="Who may have it, and since when.")
@app_option
@click.pass_context
def revoke(context: click.Context, key: str, trusted: Path, because: str, app: Path) -> None:
    """Believe nothing any more that KEY has signed: for a key that was stolen."""
    context.exit(change_keys(app, ["revoke", key, "--trusted", str(trusted), "--because", because]))


def _local_token(person: str) -> str:
    """A token of *person* for the local vault. Raises NotSetUp."""
    from signalbox.launcher.people import sign_in

    endpoints = read_endpoints(STATE)
    if endpoints is None:
        raise NotSetUp("--as is for the local cloud, and none runs here; start it with `signalbox up`, or use az login")
    return sign_in(endpoints, person, "https://vault.azure.net")
