"""Every refusal and error with its remedy, found in the source; `...` stands for a name or a value."""

import re
from collections.abc import Iterable, Iterator
from inspect import getdoc
from pathlib import Path

from signalbox.cli.errors import CliError
from website.reference.markdown import table
from website.reference.source_calls import Call, calls_of

_INTRODUCTION = """\
# Every error, with its remedy

The messages are those of the source, and `...` stands for the name or value that a message has. The search of the site
finds one by the words around it. The [runbook](../operations.md#runbook) shows common failures from their first sign to
their end, and `signalbox explain` says of one run or promotion what it waits for or why it failed, and who can mend it.
"""
_APP = ("activities", "orchestrators", "shared")
_SENTENCE = re.compile(r"[a-z]{2,} .*[a-z]{2,}")
_CODES = "../command-line.md#exit-codes"


def page(project: Path) -> str:
    """The page: refusals of the API, errors of the command, and refusals in runs and promotions."""
    return "\n".join([_INTRODUCTION, _of_the_api(project), _of_the_command(project), _of_runs(project)])


def _of_the_api(project: Path) -> str:
    calls = calls_of(project, ("triggers",), frozenset({"Problem"}))
    rows = {(status, title, _shown(detail)) for call in calls for status, title, detail in _three(call)}
    introduction = "Each is a problem document; [HTTP API](../http-api.md#requests-and-refusals) says how it looks.\n"
    rows_shown = table(("status", "title", "detail"), sorted(rows))
    return f"## Refusals of the HTTP API\n\n{introduction}\n{rows_shown}"


def _three(call: Call) -> Iterator[tuple[str, str, str]]:
    status, title, detail, *_ = (*call.texts, None, None, None)
    if status and title and detail:
        yield status, title, detail


def _of_the_command(project: Path) -> str:
    kinds = {kind.__name__: kind for kind in CliError.__subclasses__()}
    calls = [*calls_of(project, ("signalbox/cli",), frozenset(kinds))]
    sections = ["## Errors of the command\n", f"The [exit codes]({_CODES}) are the same everywhere.\n"]
    for name, kind in sorted(kinds.items(), key=lambda item: item[1].exit_code):
        rows = [(text,) for text in _sentences(call for call in calls if call.name == name)]
        sections.append(f"### Exit code {kind.exit_code}\n\n{getdoc(kind)}\n")
        sections += [table(("message",), rows)] if rows else []
    return "\n".join(sections)


def _of_runs(project: Path) -> str:
    rows = [(text,) for text in _sentences(calls_of(project, _APP, frozenset({"Refused"})))]
    introduction = (
        "A refusal is permanent: another try cannot help. It ends the run, the promotion or the training, stands on\n"
        "its record, and is announced. Faults that may pass are tried again, and are not listed here.\n"
    )
    return f"## Refusals in runs and promotions\n\n{introduction}\n{table(('message',), rows)}"


def _sentences(calls: Iterable[Call]) -> list[str]:
    """The messages that have words of their own; others only repeat what another system says."""
    texts = {call.texts[0] for call in calls if call.texts and call.texts[0]}
    return sorted((_shown(text) for text in texts if text and _SENTENCE.search(text)), key=str.lower)


def _shown(text: str) -> str:
    """*text* as Markdown that shows every character of it."""
    return re.sub(r"([\\`*_<>\[\]#{}])", r"\\\1", text)
