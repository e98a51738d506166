"""Bring the local cloud up, and show it at work."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import click

from signalbox.cli.app_client import STATE
from signalbox.cli.errors import Interrupted, NotSetUp
from signalbox.cli.output import emit_table
from signalbox.launcher.endpoints import Endpoints


@click.command()
@click.option("--port", default=7071, show_default=True, help="Where the app answers.")
@click.option(
    "--app", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path(), help="The app's folder."
)
@click.option(
    "--config",
    envvar="SIGNALBOX_CONFIG",
    show_envvar=True,
    default="signalbox.yaml",
    show_default=True,
    help="The configuration, beside or below the app.",
)
@click.option("--example/--no-example", default=True, help="Deploy the worked example, so that its routes score.")
def up(port: int, app: Path, config: str, example: bool) -> None:
    """Start the local cloud and the app; Ctrl-C stops it."""
    from signalbox.cli.demonstrations.example import example_folder
    from signalbox.launcher.cloud import LocalCloud, StartError

    if example and not example_folder(app).is_dir():
        raise NotSetUp(f"{app} has no {example_folder(Path())}; start with --no-example, or name the app: --app FOLDER")
    _check_configuration(app, config)
    _interrupt_once()
    settings = {"SIGNALBOX_CONFIG": config}
    cloud, ready = LocalCloud(app, STATE, host_port=port, settings=settings, vault=True, tell=_tell), False
    try:
        with cloud:
            endpoints = cloud.endpoints
            if example:
                _deploy(app, endpoints)
            rows = [
                ("app", endpoints.app, f"x-functions-key: {endpoints.function_key}"),
                ("data hub", endpoints.hub, "signalbox drop FILE --route ROUTE"),
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
                ("configuration", config, "SIGNALBOX_CONFIG, or --config"),
                ("logs", str(Path(endpoints.state) / "logs"), ""),
            ]
            emit_table(("what", "where", "how"), rows)
            ready = True
            cloud.watch(threading.Event())
    except KeyboardInterrupt:
        if not ready:
            raise Interrupted("stopped before everything was ready; nothing runs") from None
    except StartError as error:
        raise NotSetUp(str(error)) from error
    click.echo("stopped", err=True)


def _deploy(app: Path, endpoints: Endpoints) -> None:
    from signalbox.cli.demonstrations.example import deploy_example, prepare_retraining, train_example

    _tell("example", "training its model")
    train_example(app, STATE / "example")
    _tell("example", "deploying it")
    example = deploy_example(app, STATE / "example", endpoints)
    _tell("example", "publishing its training pipeline")
    prepare_retraining(app, STATE / "example", endpoints)
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


def _check_configuration(app: Path, config: str) -> None:
    """Say the warnings of the configuration at once. Raises NotSetUp with all its errors: the app would not start.

    It is asked in a process of its own, as `python -m shared.config`: the app may be another version of this one.
    """
    if not (app / config).is_file():
        raise NotSetUp(f"the configuration {config} is no file in {app.resolve()}; set --config or SIGNALBOX_CONFIG")
    if not (app / "shared" / "config" / "__main__.py").is_file():
        return  # Another function app, which checks its own configuration.
    command = [sys.executable, "-m", "shared.config", str((app / config).resolve())]
    check = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=app,
        env={**os.environ, "PYTHONPATH": str(app.resolve())},
    )
    *findings, _ = [*check.stdout.splitlines(), ""]
    if check.returncode:
        raise NotSetUp("\n".join(["the configuration cannot be used:", *findings, *check.stderr.splitlines()[-1:]]))
    for line in findings:
        if line.endswith("(warning)"):
            _tell("warning", line.removesuffix(" (warning)"))


@click.command()
@click.option("--devops", is_flag=True, help="The story of Azure DevOps instead: gates and approvals, both ways.")
@click.option("--messaging", is_flag=True, help="The story of Service Bus instead: messages, streams, answers.")
@click.option("--retraining", is_flag=True, help="The story of retraining instead: the world moves, a model follows.")
@click.option("--production", is_flag=True, help="The story of production instead: releases and rollbacks under load.")
def demo(devops: bool, messaging: bool, retraining: bool, production: bool) -> None:
    """Score held-out patients end to end on a local cloud of its own, and verify every prediction."""
    from signalbox.cli.demonstrations.demo import run_demo
    from signalbox.cli.demonstrations.devops import run_devops_demo
    from signalbox.cli.demonstrations.messaging import run_messaging_demo
    from signalbox.cli.demonstrations.production.story import run_production_demo
    from signalbox.cli.demonstrations.retraining import run_retraining_demo
    from signalbox.launcher.cloud import StartError

    try:
        if devops:
            run_devops_demo(Path.cwd(), STATE / "demo-devops")
        elif messaging:
            run_messaging_demo(Path.cwd(), STATE / "demo-messaging")
        elif retraining:
            run_retraining_demo(Path.cwd(), STATE / "demo-retraining")
        elif production:
            run_production_demo(Path.cwd(), STATE / "demo-production")
        else:
            run_demo(Path.cwd(), STATE / "demo")
    except StartError as error:
        raise NotSetUp(str(error)) from error
