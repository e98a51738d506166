"""`signalbox package`: the folder that Azure takes, of the project in this folder."""

from pathlib import Path

import click

from signalbox.cli.errors import NotSetUp, Unusable
from signalbox.cli.project_files import app_option, config_option, find_configuration


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("dist") / "app",
    show_default=True,
    help="The folder to write; an earlier package in it is replaced.",
)
@config_option
@app_option
def package(out: Path, config: Path | None, app: Path) -> None:
    """Write the folder to deploy: the app, its locked requirements, the configuration and its data contracts."""
    from signalbox.projects.facts import UnusableProject, read_project
    from signalbox.projects.package import NotPackaged, write_package

    try:
        project = read_project(app, find_configuration(config))
        files = write_package(app, project, out)
    except UnusableProject as error:
        raise NotSetUp(str(error)) from error
    except NotPackaged as error:
        raise Unusable(str(error)) from error
    for line in project.warnings:
        click.echo(f"warning: {line}", err=True)
    click.echo(f"wrote {out}: {len(files)} files, with {', '.join(('signalbox.yaml', *project.files))}")
    click.echo(f"deploy it: (cd {out} && func azure functionapp publish NAME --python)")
