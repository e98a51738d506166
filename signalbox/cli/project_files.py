"""Which configuration and which app a command means: said once, for every command that reads the project's folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from signalbox.cli.errors import NotSetUp
from signalbox.product import app_folder

CONFIGURATION = "signalbox.yaml"

Decorated = Callable[..., Any]


def config_option(command: Decorated) -> Decorated:
    """The option `--config`, which means the same as SIGNALBOX_CONFIG; the command looks with `find_configuration`."""
    option = click.option(
        "--config",
        envvar="SIGNALBOX_CONFIG",
        show_envvar=True,
        type=click.Path(path_type=Path),
        help=f"The configuration; {CONFIGURATION} of this folder if absent. Paths in it are relative to it.",
    )
    return option(command)


def app_option(command: Decorated) -> Decorated:
    """The option `--app`: the function app's folder, the installed one if absent."""
    option = click.option(
        "--app",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=app_folder,
        help="The app's folder; the installed app if absent.",
    )
    return option(command)


def find_configuration(config: Path | None) -> Path:
    """The file that *config* names, or this folder's. Raises NotSetUp where there is none."""
    file = Path.cwd() / (config or CONFIGURATION)
    if file.is_file():
        return file
    if config:
        raise NotSetUp(f"the configuration {config} is not a file here; name it with --config or SIGNALBOX_CONFIG")
    raise NotSetUp(
        f"{Path.cwd()} has no {CONFIGURATION}; make a project with `signalbox new NAME`, "
        "or name a configuration with --config or SIGNALBOX_CONFIG"
    )
