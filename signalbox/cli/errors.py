"""How a command ends that cannot do what it was asked: one sentence with its remedy, and an exit code for each kind.

docs/command-line.md has the table of the codes. 1 and 3 are answers and not errors: "no", and "not known yet".
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ

import click

NO, UNDECIDED = 1, 3
_NOT_THERE = 501  # The answer to a request that is understood, and that the service does not do.


class CliError(click.ClickException):
    """Every subclass has an exit code of its own."""


class Unusable(CliError):
    """A file, an argument or a combination of them cannot be used. The code is that of click's own usage errors."""

    exit_code = 2


class Undecided(CliError):
    """The answer is not known yet."""

    exit_code = UNDECIDED


class UnknownName(CliError):
    """The named thing does not exist."""

    exit_code = 4


class RefusedByApp(CliError):
    """The app understood the request and refused it."""

    exit_code = 5


class NotAllowed(CliError):
    """Nobody is signed in, the sign-in has expired, or the caller may not do this."""

    exit_code = 6


class Unreachable(CliError):
    """The app, the hub or the bus does not answer, or something else answers in its place."""

    exit_code = 7


class NotSetUp(CliError):
    """Something is missing on this machine, or the configuration is broken."""

    exit_code = 8


class Fault(CliError):
    """A fault of the tool itself."""

    exit_code = 70


class Interrupted(CliError):
    """Ctrl-C, as shells number it."""

    exit_code = 130

    def show(self, file: object = None) -> None:
        del file
        click.echo(self.message, err=True)


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Turn every exception within into one of this module's errors. SIGNALBOX_TRACEBACK shows where it came from."""
    logging.getLogger("azure").addHandler(logging.NullHandler())  # Its warnings would go to the terminal.
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
        raise
    except (KeyboardInterrupt, click.Abort):
        raise Interrupted("stopped; what was started in the app goes on, `signalbox status` shows it") from None
    except Exception as error:
        if environ.get("SIGNALBOX_TRACEBACK"):
            traceback.print_exc(file=sys.stderr)
        raise cli_error(error) from error


def cli_error(error: Exception) -> CliError:
    """*error* of a library, as a person can use it."""
    import requests
    from azure.core.exceptions import AzureError

    if isinstance(error, requests.RequestException):  # Before OSError, whose subclass it is.
        return Unreachable(f"the line broke: {first_line(error)}; try again")
    if isinstance(error, AzureError):
        return of_azure(error)
    if isinstance(error, UnicodeError):
        return Unusable("a file is not UTF-8 text; convert it first, for instance with iconv")
    if isinstance(error, OSError):
        subject = f"{error.filename}: " if error.filename else ""
        return Unusable(f"{subject}{error.strerror or first_line(error)}; name another file, or change what is there")
    return Fault(
        f"signalbox itself failed ({type(error).__name__}: {first_line(error)}); "
        "please report it with what the same command prints with SIGNALBOX_TRACEBACK=1"
    )


def of_azure(error: Exception, subject: str = "Azure") -> CliError:
    """What a client library of Azure raised; *subject* is what it was speaking to."""
    from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError, ServiceRequestError

    status = getattr(error, "status_code", None)
    if isinstance(error, ClientAuthenticationError) or status in (401, 403):
        return NotAllowed(f"{subject} does not let you in: {first_line(error)}; run `az login`, or ask for the role")
    if isinstance(error, ResourceNotFoundError):
        return UnknownName(f"{subject} has no such thing: {first_line(error)}; check the name")
    if isinstance(error, ServiceRequestError) or status is None or (status >= 500 and status != _NOT_THERE):
        return Unreachable(f"{subject} does not answer: {first_line(error)}; check the address and the network")
    return RefusedByApp(f"{subject} refuses ({status}): {first_line(error)}; change what it names, or try again")


def first_line(error: BaseException) -> str:
    """The first line of an error's message, at most 200 characters, without a full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(". ")
