"""`signalbox config`: what is wrong with `signalbox.yaml` and the data contracts that it names, without an app."""

from pathlib import Path

import click

from signalbox.cli.local_checks import check_configuration


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command("check")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--app", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path(), help="The app's folder."
)
@click.pass_context
def check(context: click.Context, file: Path | None, app: Path) -> None:
    """Say every error and warning in FILE, or signalbox.yaml, and in its data contracts; 1 where there are errors."""
    context.exit(check_configuration(app, file or app / "signalbox.yaml"))
