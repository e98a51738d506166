"""`signalbox token`: what a person calls the API with, for curl and other clients.

It stands alone: no other command is about tokens.
"""

import click

from signalbox.cli.app_client import find_token


@click.command()
@click.option("--as", "person", default="", help="Who you are in the local directory; on Azure it is az login's.")
def token(person: str) -> None:
    """Print a token for the app's API, good for an hour: `Authorization: Bearer ...`."""
    click.echo(find_token(person))
