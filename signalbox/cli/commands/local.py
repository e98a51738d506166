"""Bring the local cloud up, and show it at work."""

import json
import os
import shlex
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signalbox.cli.app_client import STATE, find_endpoints
from signalbox.cli.errors import Interrupted, NotSetUp, UnknownName
from signalbox.cli.output import emit_table
from signalbox.cli.project_files import CONFIGURATION, app_option, config_option, find_configuration
from signalbox.launcher.endpoints import Endpoints
from signalbox.product import app_folder, example_folder, is_signalbox

if TYPE_CHECKING:
    from signalbox.launcher.cloud import LocalCloud
    from signalbox.launcher.storage.app_storage import AppStorage
    from signalbox.projects.facts import ProjectFacts

DEMO = STATE / "demo"
Place = tuple[str, str, str]
_SCHEDULES = ("SIGNALBOX_RECONCILE_SCHEDULE", "SIGNALBOX_SCRUB_SCHEDULE", "SIGNALBOX_TICK_SCHEDULE")


@click.command()
@click.option("--port", type=int, help="Where the app answers.  [default: 7071; with --demo where it was]")
@app_option
@config_option
@click.option(
    "--example/--no-example",
    default=None,
    help="Deploy the worked example, so that its routes score; by default where it lies beside the configuration.",
)
@click.option("--demo", is_flag=True, help="Start the cloud of `signalbox demo` again, with what was promoted there.")
def up(port: int | None, app: Path, config: Path | None, example: bool | None, demo: bool) -> None:
    """Start the local cloud and the app; Ctrl-C stops it."""
    from signalbox.cli.demonstrations.example import has_example
    from signalbox.launcher.cloud import LocalCloud
    from signalbox.launcher.storage.app_storage import NO_STORAGE, read_app_storage

    _interrupt_once()
    storage = NO_STORAGE if app.resolve() == app_folder().resolve() else read_app_storage(app)
    if not is_signalbox(app):
        if demo or example:
            raise NotSetUp(f"{app} is another app than Signalbox, which has neither the example nor its demonstration")
        named = {"SIGNALBOX_CONFIG": str(find_configuration(config))} if config else {}
        usual_port = 7071 if port is None else port
        other = LocalCloud(app, STATE, host_port=usual_port, settings=named, storage=storage, workers=1, tell=_tell)
        _serve(other, lambda: _places_beside(other.endpoints, storage))
        return
    if demo and (config is not None or example is not None or not (DEMO / "endpoints.json").is_file()):
        raise NotSetUp("--demo starts what `signalbox demo` has left in this folder, as it was; run that first")
    shipped = demo or (bool(example) and config is None and not Path(CONFIGURATION).is_file())
    file = example_folder() / CONFIGURATION if shipped else find_configuration(config)
    example = has_example(file.parent) and not demo if example is None else example
    if example and not has_example(file.parent):
        raise NotSetUp(f"the worked example is not beside {_shown(file)}; start with --no-example")
    project = _project(app, file)
    settings = {"SIGNALBOX_CONFIG": str(file), **_own_schedules()}
    state, usual_port = (DEMO, 0) if demo else (STATE, 7071)
    port = usual_port if port is None else port
    cloud = LocalCloud(
        app,
        state,
        host_port=port,
        settings=settings,
        vault=not demo,
        hub=project.hub,
        storage=storage,
        workers=1,
        tell=_tell,
    )

    def begin() -> list[Place]:
        if example:
            _deploy(file.parent, cloud.endpoints)
        return _places(cloud.endpoints, file)

    _serve(cloud, begin)


def _serve(cloud: "LocalCloud", begin: Callable[[], list[Place]]) -> None:
    """Run *cloud* until Ctrl-C; once it runs, *begin* says what is where."""
    from signalbox.launcher.cloud import StartError

    ready = False
    try:
        with cloud:
            emit_table(("what", "where", "how"), begin())
            ready = True
            cloud.watch(threading.Event())
    except KeyboardInterrupt:
        if not ready:
            raise Interrupted("stopped before everything was ready; nothing runs") from None
    except StartError as error:
        raise NotSetUp(str(error)) from error
    click.echo("stopped", err=True)


def _places_beside(endpoints: Endpoints, storage: "AppStorage") -> list[Place]:
    """What runs where for another app than Signalbox."""
    token = 'with a token: eval "$(signalbox env)"'
    blobs = [("blob trigger", f"{endpoints.hub}/{path}", name) for name, path in storage.blob_triggers.items()]
    return [
        ("app", endpoints.app, f"x-functions-key: {endpoints.function_key}"),
        ("blobs", endpoints.hub, token),
        *([("queues", endpoints.queue_service, token)] if storage.has_queues else []),
        *blobs,
        ("settings", ", ".join(storage.unset) or "none", "connections that name this storage"),
        ("logs", str(Path(endpoints.state) / "logs"), ""),
    ]


def _places(endpoints: Endpoints, file: Path) -> list[Place]:
    """What runs where, and how to reach it."""
    return [
        ("app", endpoints.app, f"x-functions-key: {endpoints.function_key}"),
        ("data hub", endpoints.hub, "signalbox drop FILE --route ROUTE"),
        ("console", f"{endpoints.console}/", "in a browser: choose a person"),
        ("mailbox", endpoints.mailbox_page, "in a browser: mails and cards that would have been sent"),
        ("event grid", endpoints.topic, "topic of the announcements"),
        (
            "azure ml",
            endpoints.resource_manager,
            "Azure Resource Manager, batch and online scoring, a registry",
        ),
        (
            "azure devops",
            f"{endpoints.azure_devops}/contoso",
            "pipelines and approvals; see docs/azure-devops.md",
        ),
        ("key vault", endpoints.vault, "signs statements; see docs/signing-keys.md"),
        ("directory", endpoints.authority, "signalbox promote ... --as linus@example.org"),
        ("public names", "management.azure.com and others", 'eval "$(signalbox env)"; see docs/local-cloud.md'),
        ("configuration", _shown(file), "SIGNALBOX_CONFIG, or --config"),
        ("logs", str(Path(endpoints.state) / "logs"), ""),
    ]


def _own_schedules() -> dict[str, str]:
    """The schedules of the app's timers that the environment sets; the local cloud has its own for the others."""
    return {name: os.environ[name] for name in _SCHEDULES if name in os.environ}


def _shown(file: Path) -> str:
    """*file* as a person would name it here."""
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


def _deploy(project: Path, endpoints: Endpoints) -> None:
    from signalbox.cli.demonstrations.example import deploy_example, prepare_retraining, train_example

    _tell("example", "training its model")
    train_example(project, STATE / "example")
    _tell("example", "deploying it")
    example = deploy_example(project, STATE / "example", endpoints)
    _tell("example", "publishing its training pipeline")
    prepare_retraining(project, STATE / "example", endpoints)
    _tell("example", f"{example.model}:{example.version} deployed; try {STATE / 'example' / 'holdout.csv'}")


def _tell(part: str, status: str) -> None:
    click.echo(f"{part:<10} {status}", err=True)


def _interrupt_once() -> None:
    """Let Ctrl-C and SIGTERM end whatever goes on, also a start; a second one does not disturb the orderly end."""

    def stop(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _project(app: Path, file: Path) -> "ProjectFacts":
    """What *file* says; its warnings are printed. Raises NotSetUp with all its errors: the app would not start."""
    from signalbox.projects.facts import UnusableProject, read_project

    try:
        project = read_project(app, file)
    except UnusableProject as error:
        raise NotSetUp(str(error)) from error
    for line in project.warnings:
        _tell("warning", line)
    return project


@click.command()
@click.option("--unset", is_flag=True, help="Take the variables away again.")
@click.option("--workspace", help="Print what MLClient.from_config reads from config.json for this workspace instead.")
def env(unset: bool, workspace: str | None) -> None:
    """Print what Azure's clients need to reach the running local cloud: eval "$(signalbox env)"."""
    from signalbox.launcher.client_session import CLIENT_VARIABLES, client_environment, read_session, workspace_config
    from signalbox.launcher.endpoints import listens
    from signalbox.launcher.provision import workspace_named

    if unset:
        click.echo(f"unset {' '.join(CLIENT_VARIABLES)}")
        return
    if workspace is not None:
        try:
            click.echo(json.dumps(workspace_config(workspace_named(workspace)), indent=2))
        except ValueError as error:
            raise UnknownName(str(error)) from error
        return
    session = read_session(find_endpoints())
    if session is None or not listens(session.port):
        raise NotSetUp("the local cloud of this folder does not run; start it with `signalbox up`")
    for name, value in client_environment(session).items():
        click.echo(f"export {name}={shlex.quote(value)}")


@click.command()
@click.option("--devops", is_flag=True, help="The story of Azure DevOps instead: gates and approvals, both ways.")
@click.option("--messaging", is_flag=True, help="The story of Service Bus instead: messages, streams, answers.")
@click.option("--retraining", is_flag=True, help="The story of retraining instead: the world moves, a model follows.")
@click.option("--production", is_flag=True, help="The story of production instead: releases and rollbacks under load.")
@click.option(
    "--provisioning", is_flag=True, help="The story of provisioning instead: requests, changes, environments."
)
def demo(devops: bool, messaging: bool, retraining: bool, production: bool, provisioning: bool) -> None:
    """Score held-out patients end to end on a local cloud of its own, and verify every prediction."""
    from signalbox.cli.demonstrations.demo import run_demo
    from signalbox.cli.demonstrations.devops import run_devops_demo
    from signalbox.cli.demonstrations.messaging import run_messaging_demo
    from signalbox.cli.demonstrations.production.story import run_production_demo
    from signalbox.cli.demonstrations.provisioning import run_provisioning_demo
    from signalbox.cli.demonstrations.retraining import run_retraining_demo
    from signalbox.launcher.cloud import StartError

    try:
        if devops:
            run_devops_demo(example_folder(), STATE / "demo-devops")
        elif messaging:
            run_messaging_demo(example_folder(), STATE / "demo-messaging")
        elif retraining:
            run_retraining_demo(example_folder(), STATE / "demo-retraining")
        elif production:
            run_production_demo(example_folder(), STATE / "demo-production")
        elif provisioning:
            run_provisioning_demo(example_folder(), STATE / "demo-provisioning")
        else:
            run_demo(example_folder(), DEMO)
    except StartError as error:
        raise NotSetUp(str(error)) from error
