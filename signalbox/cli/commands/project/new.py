"""`signalbox new` and `signalbox update`: a project from the template, and the same with a newer template."""

from pathlib import Path

import click

from signalbox.cli.errors import NO, Unusable
from signalbox.cli.project_files import Decorated
from signalbox.counting import counted
from signalbox.product import template_folder


def _answer_option(command: Decorated) -> Decorated:
    option = click.option(
        "--answer", "answers", multiple=True, metavar="NAME=VALUE", help="Answer a question of the template beforehand."
    )
    return option(command)


@click.command()
@click.argument("folder", metavar="NAME", type=click.Path(path_type=Path))
@click.option("--defaults", is_flag=True, help="Ask nothing: take the default of every question.")
@_answer_option
def new(folder: Path, defaults: bool, answers: tuple[str, ...]) -> None:
    """Make a project called NAME, in a folder of this name.

    The questions: kind (classifier, regressor, mlflow, text), serving (both, batch, online), devops, owner.
    """
    from signalbox.projects.template import NotRendered, render_project

    try:
        files = render_project(template_folder(), folder, answers=dict(map(_answer, answers)), defaults=defaults)
    except NotRendered as error:
        raise Unusable(str(error)) from error
    click.echo(f"made {folder}: {counted(len(files), 'file')}; its README says what they are")
    click.echo(f"go on: cd {folder}; `pip install -r requirements.txt && make ci` there runs its tests, in minutes")


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option("--mark", is_flag=True, help="Write conflicts into the files, between the marks that git uses.")
@_answer_option
@click.pass_context
def update(context: click.Context, folder: Path, mark: bool, answers: tuple[str, ...]) -> None:
    """Bring the project in FOLDER, or in this one, to this version's template; your own edits stay.

    It changes nothing where they conflict; with --mark it ends with 1 then.
    """
    from signalbox.projects.template import NotRendered
    from signalbox.projects.update import NotUpdated, update_project

    try:
        result = update_project(template_folder(), folder, answers=dict(map(_answer, answers)), mark=mark)
    except (NotRendered, NotUpdated) as error:
        raise Unusable(str(error)) from error
    click.echo(f"updated: {', '.join(result.changed)}" if result.changed else "nothing to update")
    if result.absent:
        click.echo(f"not brought back, since you have removed them: {', '.join(result.absent)}")
    if result.conflicts:
        click.echo(f"marked, to be settled by you: {', '.join(result.conflicts)}")
    context.exit(NO if result.conflicts else 0)


def _answer(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):  # A value may be empty: no organisation.
        raise click.UsageError(f"--answer is {text!r}; write NAME=VALUE")
    return name, value
