"""The command group `signalbox`; heavy parts are imported by the commands that need them."""

import click

from signalbox.cli.configuration import config
from signalbox.cli.doctor import doctor
from signalbox.cli.drift import drift, features
from signalbox.cli.hub import check, drop
from signalbox.cli.letters import dlq
from signalbox.cli.local import demo, up
from signalbox.cli.messages import send, stream
from signalbox.cli.promotions import (
    approve,
    audit,
    break_glass,
    evidence,
    explain,
    history,
    plan,
    promote,
    promotions,
    recover,
    reject,
    withdraw,
)
from signalbox.cli.retraining import retrain, retraining
from signalbox.cli.runs import cancel, logs, release, reprocess, status
from signalbox.cli.schedules import schedules
from signalbox.cli.tokens import token
from signalbox.cli.traces import trace
from signalbox.host.command import host


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Carry data to models and models to production."""


_RUNS = (drop, send, stream, status, logs, check, drift, features, cancel, release, reprocess, schedules, dlq)
_PROMOTIONS = (
    plan,
    promote,
    promotions,
    approve,
    reject,
    withdraw,
    break_glass,
    evidence,
    explain,
    history,
    recover,
    audit,
)

for command in (up, demo, *_RUNS, *_PROMOTIONS, retrain, retraining, trace, token, config, doctor, host):
    main.add_command(command)
