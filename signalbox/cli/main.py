"""The command group `signalbox`; heavy parts are imported by the commands that need them."""

import click

from signalbox.cli.hub import check, drop
from signalbox.cli.local import demo, up
from signalbox.cli.runs import cancel, release, reprocess, status
from signalbox.host.command import host


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Carry data to models and models to production."""


for command in (up, demo, drop, status, check, cancel, release, reprocess, host):
    main.add_command(command)
