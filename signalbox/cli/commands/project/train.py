"""`signalbox train`: the project's training, as a job of the local cloud or of Azure ML."""

from pathlib import Path

import click

from signalbox.cli.errors import RefusedByApp, UnknownName, Unusable
from signalbox.cli.names import guess_name
from signalbox.cli.project_files import app_option, config_option, find_configuration
from signalbox.cli.project_workspaces import environment_option, facts_of_project, workspace_of

JOB = Path("training") / "job.yaml"


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--set", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the job; may be repeated.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build"),
    show_default=True,
    help="The folder that gets the job's output.",
)
@environment_option
@config_option
@app_option
def train(
    file: Path | None, inputs: tuple[str, ...], out: Path, environment: str, config: Path | None, app: Path
) -> None:
    """Submit the job in FILE, or in training/job.yaml of the project, follow its log, and fetch what it has written."""
    from signalbox.models.training_jobs import OUTPUT, JobFailed, NotSubmitted, fetch_output, follow, inputs_of, submit
    from signalbox.models.workspace import on_azure

    file = file or find_configuration(config).parent / JOB
    try:
        names = inputs_of(file)
        values = dict(_input(text, names) for text in inputs)
        workspace = workspace_of(facts_of_project(config, app), environment)
        with workspace.client() as client:
            job = submit(client, file, values)
            page = f": {job.studio_url}" if on_azure() else ""
            click.echo(f"submitted {job.name} in {environment}{page}")
            follow(client, job.name, click.echo)
        parts = fetch_output(workspace, job.name, out) if OUTPUT in (job.outputs or {}) else []
    except NotSubmitted as error:
        raise Unusable(str(error)) from error
    except JobFailed as error:
        raise RefusedByApp(str(error)) from error
    click.echo(f"completed; wrote {out}: {', '.join(parts)}" if parts else "completed; it has no output to fetch")


def _input(text: str, names: list[str]) -> tuple[str, str]:
    """Raises UnknownName for an input that the job has not."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.UsageError(f"--set is {text!r}; write NAME=VALUE")
    if name not in names:
        guess = guess_name(name, names) or f"; it has {', '.join(names) or 'none'}"
        raise UnknownName(f"the job has no input {name!r}{guess}")
    return name, value
