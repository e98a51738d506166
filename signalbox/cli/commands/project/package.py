"""`signalbox package`: the folder that Azure takes, of the project in this folder."""

import sys
from pathlib import Path

import click

from signalbox.cli.errors import NotSetUp, Unusable
from signalbox.cli.project_files import app_option, config_option, find_configuration
from signalbox.counting import counted


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("dist") / "app",
    show_default=True,
    help="The folder to write; an earlier package in it is replaced.",
)
@click.option(
    "--libraries/--no-libraries",
    default=True,
    show_default=True,
    help="Install the locked libraries into the package, as it is deployed; without them Azure has to build it.",
)
@click.option(
    "--python",
    default=sys.executable,
    show_default="the one that runs this",
    help="The Python whose libraries are installed: of the version that the app runs on.",
)
@config_option
@app_option
def package(out: Path, libraries: bool, python: str, config: Path | None, app: Path) -> None:
    """Write the folder to deploy: the app, its locked libraries, the configuration and its data contracts."""
    from signalbox.projects.facts import UnusableProject, read_project
    from signalbox.projects.libraries import NotPackaged
    from signalbox.projects.package import write_package

    try:
        project = read_project(app, find_configuration(config))
        written = write_package(app, project, out, python if libraries else None)
    except UnusableProject as error:
        raise NotSetUp(str(error)) from error
    except NotPackaged as error:
        raise Unusable(str(error)) from error
    for line in project.warnings:
        click.echo(f"warning: {line}", err=True)
    files = counted(len(written.files), "file")
    click.echo(f"wrote {out}: {files}, with {', '.join(('signalbox.yaml', *project.files))}")
    if written.weight is None:
        click.echo(f"deploy it: (cd {out} && func azure functionapp publish NAME --python)")
        return
    click.echo(
        f"its libraries are in it: {written.weight.megabytes:.1f} MB, loaded as {written.weight.modules} modules"
    )
    click.echo(f"deploy it: (cd {out} && func azure functionapp publish NAME --python --no-build)")
