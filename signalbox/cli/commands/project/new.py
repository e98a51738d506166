"""`signalbox new`: a project that trains, registers, deploys and scores, to be made one's own.

It stands alone because it reads no project, as the commands beside it do.
"""

from pathlib import Path

import click

from signalbox.cli.errors import Unusable
from signalbox.product import template_folder


@click.command()
@click.argument("folder", metavar="NAME", type=click.Path(path_type=Path))
@click.option("--defaults", is_flag=True, help="Ask nothing: take the default of every question.")
def new(folder: Path, defaults: bool) -> None:
    """Make a project called NAME, in a folder of this name."""
    from signalbox.projects.template import NotRendered, render_project

    try:
        files = render_project(template_folder(), folder, defaults=defaults)
    except NotRendered as error:
        raise Unusable(str(error)) from error
    click.echo(f"made {folder}: {len(files)} files; its README says what they are")
    click.echo(f"go on: cd {folder} && python -m pytest")
