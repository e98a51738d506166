"""`signalbox model`: bring a model to a workspace, of the local cloud or of Azure ML, by the same commands."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signalbox.cli.errors import NO, UnknownName, Unusable
from signalbox.cli.local_checks import infer_contract
from signalbox.cli.names import guess_name
from signalbox.cli.output import emit_json
from signalbox.cli.progress import waiting
from signalbox.cli.project_files import app_option, config_option, find_configuration
from signalbox.cli.project_workspaces import environment_option, facts_of_project, workspace_of
from signalbox.counting import counted

if TYPE_CHECKING:
    from signalbox.projects.facts import ProjectFacts

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _exact(_: click.Context, __: click.Parameter, text: str) -> tuple[str, str]:
    """The name and the version in *text*. Raises click.BadParameter for what could mean another version tomorrow."""
    name, _colon, version = text.partition(":")
    if not name or not version or version == "latest":
        raise click.BadParameter(f"{text!r} is not exact; write NAME:VERSION, such as churn:12")
    return name, version


_model_version = click.argument("name", metavar="NAME:VERSION", callback=_exact)


@click.group()
def model() -> None:
    """Register, deploy, flag, ask and validate the project's models, and begin their contracts and golden requests.

    They work on the local cloud of this folder, or, where SIGNALBOX_URL is set, on Azure ML, as `az login` signed in.
    """


@model.command()
@_model_version
@click.argument("folder", type=_FOLDER)
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="A tag of the version; may be repeated.")
@environment_option
@config_option
@app_option
def register(
    name: tuple[str, str], folder: Path, tags: tuple[str, ...], environment: str, config: Path | None, app: Path
) -> None:
    """Register FOLDER, with its parts model/ and extras/, as NAME:VERSION."""
    from signalbox.models.assets import ModelFolder, Unregistrable, register_folder

    source = ModelFolder(name=name[0], version=name[1], folder=folder, tags=dict(map(_tag, tags)))
    project = facts_of_project(config, app)
    _warn_of_unknown(project, name[0])
    workspace = workspace_of(project, environment)
    try:
        with waiting(f"registering {':'.join(name)}"):
            kind = register_folder(workspace, source)
    except Unregistrable as error:
        raise Unusable(str(error)) from error
    click.echo(f"registered {':'.join(name)} ({kind}) in {environment}")


@model.command()
@_model_version
@click.option("--batch", default="", metavar="ENDPOINT", help="Deploy it behind this batch endpoint.")
@click.option("--online", default="", metavar="ENDPOINT", help="Deploy it behind this online endpoint.")
@click.option("--deployment", default="blue", show_default=True, help="The deployment's name.")
@click.option(
    "--batch-script", default="score.py", show_default=True, help="In extras/code/; unused for MLflow models."
)
@click.option("--online-script", default="online.py", show_default=True, help="Likewise.")
@click.option("--compute", default="", help="The cluster of batch jobs; the local one, or cpu-cluster on Azure.")
@click.option("--instance-type", default="Standard_DS3_v2", show_default=True, help="Of the online deployment.")
@environment_option
@config_option
@app_option
def deploy(
    name: tuple[str, str],
    batch: str,
    online: str,
    deployment: str,
    batch_script: str,
    online_script: str,
    compute: str,
    instance_type: str,
    environment: str,
    config: Path | None,
    app: Path,
) -> None:
    """Deploy the registered NAME:VERSION behind a batch endpoint, an online one, or both."""
    from signalbox.models.deployments import Deployment, deploy_batch, deploy_online

    if not batch and not online:
        raise click.UsageError("name an endpoint: --batch ENDPOINT, --online ENDPOINT, or both")
    project = facts_of_project(config, app)
    _warn_of_unknown(project, name[0])
    workspace = workspace_of(project, environment)
    for endpoint, script, put in ((batch, batch_script, deploy_batch), (online, online_script, deploy_online)):
        if not endpoint:
            continue
        target = Deployment(
            model=name[0],
            version=name[1],
            endpoint=endpoint,
            name=deployment,
            script=script,
            compute=compute,
            instance_type=instance_type,
        )
        with (
            waiting(f"deploying {':'.join(name)} behind {endpoint}"),
            _only_registered(environment),
            workspace.client() as client,
        ):
            put(workspace, client, target)
        click.echo(f"deployed {':'.join(name)} as {endpoint}/{deployment} in {environment}")


@model.command()
@_model_version
@click.option("--to", "stage", required=True, help="The stage of the ladder that it is to reach.")
@environment_option
@config_option
@app_option
def flag(name: tuple[str, str], stage: str, environment: str, config: Path | None, app: Path) -> None:
    """Ask for the promotion of the registered NAME:VERSION: set the tag that Signalbox reads."""
    from signalbox.models import assets

    project = facts_of_project(config, app)
    if stage not in project.stages:
        raise UnknownName(f"the ladder has no stage {stage!r}; it has {', '.join(project.stages) or 'none'}")
    _warn_of_unknown(project, name[0])
    workspace = workspace_of(project, environment)
    with waiting(f"flagging {':'.join(name)}"), _only_registered(environment), workspace.client() as client:
        assets.flag(client, *name, stage)
    click.echo(f"flagged {':'.join(name)} for {stage}; `signalbox promotions` shows its promotion")


@model.command()
@click.argument("endpoint")
@click.argument("file", type=click.File())
@click.option("--deployment", default="", help="Ask this deployment, whatever its traffic.")
@environment_option
@config_option
@app_option
def invoke(endpoint: str, file: Any, deployment: str, environment: str, config: Path | None, app: Path) -> None:
    """Ask an online ENDPOINT: FILE has the request as JSON; `-` is standard input."""
    from signalbox.models import deployments

    try:
        body = json.load(file)
    except ValueError as error:
        raise Unusable(f"{file.name} is not JSON: {error}; write one request, as {{'input_data': ...}}") from error
    workspace = workspace_of(facts_of_project(config, app), environment)
    with waiting(f"asking {endpoint}"), workspace.client() as client:
        click.echo(deployments.invoke(client, endpoint, body, deployment))


@model.command()
@_model_version
@click.argument("folder", type=_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@config_option
@app_option
@click.pass_context
def validate(
    context: click.Context, name: tuple[str, str], folder: Path, as_json: bool, config: Path | None, app: Path
) -> None:
    """Judge FOLDER as a promotion of NAME:VERSION would, before anything is registered; 1 where it would refuse."""
    from dataclasses import asdict

    from signalbox.models.validation import NotJudged, validate_folder

    def tell(step: str) -> None:
        """A line for each script that is started, on a pipe too: a start may take half a minute."""
        if not as_json:
            click.echo(f"{step} ...", err=True)

    try:
        with waiting(f"judging {folder}"):
            judgement = validate_folder(app, find_configuration(config), ":".join(name), folder, tell)
    except NotJudged as error:
        raise Unusable(str(error)) from error
    if as_json:
        emit_json(asdict(judgement))
    else:
        for sentence in judgement.unmet:
            click.echo(f"x {sentence}")
        result = f"{len(judgement.unmet)} unmet" if judgement.unmet else "ready for promotion"
        golden = f"{counted(judgement.answered, 'golden request')} {'asked' if judgement.unmet else 'answered'}"
        batch = f"{counted(judgement.scored, 'row')} scored as a file, " if judgement.scored else ""
        click.echo(f"{result}: {counted(judgement.files, 'file')}, {golden}, {batch}{judgement.kind}")
    context.exit(NO if judgement.unmet else 0)


@model.command()
@_model_version
@click.argument("rows", type=_FILE)
@click.option("--folder", type=_FOLDER, default="build", show_default=True, help="The model's folder.")
@click.option("--count", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many rows.")
@click.option("--each", default=1, show_default=True, type=click.IntRange(1, 1000), help="Rows in one request.")
@click.option("--without", multiple=True, metavar="COLUMN", help="No feature, as the target is; may be repeated.")
@click.option("--force", is_flag=True, help="Replace the golden requests that are there.")
@config_option
@app_option
def golden(
    name: tuple[str, str],
    rows: Path,
    folder: Path,
    count: int,
    each: int,
    without: tuple[str, ...],
    force: bool,
    config: Path | None,
    app: Path,
) -> None:
    """Make golden requests of the CSV file ROWS: ask the online script of the folder, and keep what it answers."""
    from signalbox.models.validation import GoldenRows, NotJudged, write_golden_requests

    source = GoldenRows(file=rows, count=count, each=each, left_out=without, replace=force)
    try:
        with waiting(f"asking the model in {folder}"):
            target = write_golden_requests(app, find_configuration(config), ":".join(name), folder, source)
    except NotJudged as error:
        raise Unusable(str(error)) from error
    requests = counted(len(target.read_text().splitlines()), "request")
    click.echo(f"wrote {target}: {requests} with answers; look at them")


@model.command()
@click.argument("data", type=_FILE)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default="data/contract.yaml", show_default=True)
@click.option("--force", is_flag=True, help="Replace the contract and the profile that are there.")
@app_option
@click.pass_context
def contract(context: click.Context, data: Path, out: Path, force: bool, app: Path) -> None:
    """Infer a data contract from the file DATA, and its reference profile beside it, to be read and kept."""
    with waiting(f"reading {data.name}"):
        code = infer_contract(app, data, out, force)
    context.exit(code)


def _warn_of_unknown(project: "ProjectFacts", name: str) -> None:
    """A model without a promotion may be registered and tried, but the name may also be mistyped."""
    if name not in project.models:
        subject = f"model {name!r} has no `promotion` section in the configuration"
        guess = guess_name(name, project.models)
        remedy = f"{guess} If not, add" if guess else "; correct the name, or add"
        click.echo(f"warning: {subject}{remedy} models.{name}.promotion", err=True)


@contextmanager
def _only_registered(environment: str) -> Iterator[None]:
    """Say what is not registered in *environment*. Raises UnknownName."""
    from signalbox.models.assets import NotRegistered

    try:
        yield
    except NotRegistered as error:
        raise UnknownName(f"environment {environment}: {error}") from error


def _tag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.UsageError(f"--tag is {text!r}; write NAME=VALUE")
    return name, value
