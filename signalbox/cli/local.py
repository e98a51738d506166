"""Bring the local cloud up, and show it at work."""

import signal
import threading
from pathlib import Path

import click

from signalbox.cli.app_client import STATE
from signalbox.cli.output import emit_table
from signalbox.launcher.endpoints import Endpoints


@click.command()
@click.option("--port", default=7071, show_default=True, help="Where the app answers.")
@click.option(
    "--app", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path(), help="The app's folder."
)
@click.option("--example/--no-example", default=True, help="Deploy the worked example, so that its routes score.")
def up(port: int, app: Path, example: bool) -> None:
    """Start the local cloud and the app; Ctrl-C stops it."""
    from signalbox.launcher.cloud import LocalCloud, StartError

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    cloud = LocalCloud(app, STATE, host_port=port, tell=lambda part, said: click.echo(f"{part:<10} {said}", err=True))
    try:
        with cloud:
            ends = cloud.endpoints
            if example:
                _deploy(app, ends)
            rows = [
                ("app", ends.app, f"x-functions-key: {ends.function_key}"),
                ("data hub", ends.hub, "signalbox drop FILE"),
                ("event grid", ends.topic, "topic of the announcements"),
                ("azure ml", ends.resource_manager, "Azure Resource Manager, batch and online scoring, a registry"),
                ("azure devops", f"{ends.azure_devops}/contoso", "pipelines and approvals; see docs/azure-devops.md"),
                ("directory", ends.authority, "signalbox promote ... --as linus@example.org"),
                ("logs", str(Path(ends.state) / "logs"), ""),
            ]
            emit_table(("what", "where", "how"), rows)
            cloud.watch(stopped)
    except StartError as error:
        raise click.ClickException(str(error)) from error
    click.echo("stopped", err=True)


def _deploy(app: Path, endpoints: Endpoints) -> None:
    from signalbox.cli.example import deploy_example, prepare_retraining, train_example

    train_example(app, STATE / "example")
    deployed = deploy_example(app, STATE / "example", endpoints)
    prepare_retraining(app, STATE / "example", endpoints)
    click.echo(
        f"{'example':<10} {deployed.model}:{deployed.version} deployed; try {STATE / 'example' / 'holdout.csv'}",
        err=True,
    )


@click.command()
@click.option("--devops", is_flag=True, help="The story of Azure DevOps instead: gates and approvals, both ways.")
@click.option("--messaging", is_flag=True, help="The story of Service Bus instead: messages, streams, answers.")
@click.option("--retraining", is_flag=True, help="The story of retraining instead: the world moves, a model follows.")
def demo(devops: bool, messaging: bool, retraining: bool) -> None:
    """Score held-out patients end to end on a local cloud of its own, and verify every prediction."""
    from signalbox.cli.demo import run_demo
    from signalbox.cli.demo_devops import run_devops_demo
    from signalbox.cli.demo_messaging import run_messaging_demo
    from signalbox.cli.demo_retraining import run_retraining_demo
    from signalbox.launcher.cloud import StartError

    try:
        if devops:
            run_devops_demo(Path.cwd(), STATE / "demo-devops")
        elif messaging:
            run_messaging_demo(Path.cwd(), STATE / "demo-messaging")
        elif retraining:
            run_retraining_demo(Path.cwd(), STATE / "demo-retraining")
        else:
            run_demo(Path.cwd(), STATE / "demo")
    except StartError as error:
        raise click.ClickException(str(error)) from error
