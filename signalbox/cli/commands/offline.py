"""What is asked without an app that runs: `signalbox config` checks the configuration, `signalbox profile` makes the
reference that a data contract compares arrivals with.
"""

from pathlib import Path

import click

from signalbox.cli.local_checks import check_configuration, write_profile
from signalbox.cli.progress import waiting
from signalbox.cli.project_files import app_option, config_option, find_configuration


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command("check")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@app_option
@click.pass_context
def check(context: click.Context, file: Path | None, config: Path | None, app: Path) -> None:
    """Say every error and warning in FILE, or signalbox.yaml, and in its data contracts; 1 where there are errors."""
    context.exit(check_configuration(app, file or find_configuration(config)))


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--contract", required=True, type=_FILE, help="The data contract that FILE meets.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it; where the contract's `distribution.reference` says if absent.",
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the profile as JSON as well.")
@app_option
@click.pass_context
def profile(
    context: click.Context, file: Path, contract: Path, out: Path | None, force: bool, as_json: bool, app: Path
) -> None:
    """Write the reference profile of FILE, such as a model's training rows; 1 where FILE breaks its contract."""
    options = ["--out", str(out)] if out else []
    options += ["--force"] * force + ["--json"] * as_json
    with waiting(f"reading {file.name}"):
        code = write_profile(app, file, contract, options)
    context.exit(code)
