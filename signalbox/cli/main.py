"""The command group `signalbox`; heavy parts are imported by the commands that need them."""

from typing import Any

import click

from signalbox.cli.commands.app import doctor, token
from signalbox.cli.commands.data import data
from signalbox.cli.commands.drift import drift, features
from signalbox.cli.commands.hub import answers, check, drop, import_files, imports
from signalbox.cli.commands.letters import dlq, events
from signalbox.cli.commands.local import demo, env, up
from signalbox.cli.commands.messages import send, stream
from signalbox.cli.commands.offline import config, profile
from signalbox.cli.commands.platform.keys import keys
from signalbox.cli.commands.platform.provision import provision
from signalbox.cli.commands.platform.replay import replay
from signalbox.cli.commands.project.model import model
from signalbox.cli.commands.project.new import new, update
from signalbox.cli.commands.project.package import package
from signalbox.cli.commands.project.train import train
from signalbox.cli.commands.promotions import (
    approve,
    audit,
    break_glass,
    delegate,
    evidence,
    explain,
    history,
    plan,
    promote,
    promotions,
    prove,
    recover,
    reject,
    withdraw,
)
from signalbox.cli.commands.retraining import retrain, retraining
from signalbox.cli.commands.rollouts import (
    alerts,
    known_good,
    rehearse,
    release_hold,
    revoke,
    rollback,
    rollout,
    serving,
)
from signalbox.cli.commands.runs import cancel, download, logs, release, reprocess, score, status, suggest
from signalbox.cli.commands.schedules import schedules
from signalbox.cli.commands.traces import trace
from signalbox.cli.errors import errors_in_words
from signalbox.host.command import host


class Commands(click.Group):
    """A group whose commands end with a sentence and a code, whatever goes wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """What the command returns. Raises click.ClickException."""
        with errors_in_words():
            return super().invoke(ctx)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="signalbox")
def main() -> None:
    """Carry data to models and models to production."""


_RUNS = (
    drop,
    import_files,
    imports,
    send,
    stream,
    status,
    logs,
    download,
    check,
    profile,
    drift,
    features,
    cancel,
    release,
    reprocess,
    score,
    suggest,
    answers,
    schedules,
    dlq,
    events,
)
_PROMOTIONS = (
    plan,
    promote,
    promotions,
    approve,
    reject,
    withdraw,
    delegate,
    break_glass,
    evidence,
    explain,
    history,
    recover,
    audit,
    prove,
)

_PRODUCTION = (rollout, rollback, known_good, rehearse, serving, alerts, release_hold, revoke)

_OTHERS = (provision, retrain, retraining, trace, replay, token, keys, config, doctor, host)

_PROJECT = (new, update, train, model, data, package)

for command in (up, env, demo, *_PROJECT, *_RUNS, *_PROMOTIONS, *_PRODUCTION, *_OTHERS):
    main.add_command(command)
