"""Every command and option of `signalbox`, from click's own help."""

from collections.abc import Iterator
from pathlib import Path

import click

from signalbox.cli.main import main
from website.reference.markdown import code, table

_INTRODUCTION = """\
# Every command

Generated from the command's own help. [The command line](../command-line.md) says which app a command talks to, what it
prints, and what its exit codes mean.
"""


def page(_: Path) -> str:
    """The page: a section for each command, and below a group its commands."""
    sections = [_section(path, command) for path, command in commands_below("signalbox", main)]
    return "\n".join([_INTRODUCTION, *sections])


def commands_below(path: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Every command below *group* with the words that call it, a group before its own commands."""
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands_below(f"{path} {name}", command)


def _section(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    level = "##" if path.count(" ") == 1 else "###"
    text = (command.help or "").replace("\b\n", "")
    options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    records = [record for option in options if (record := option.get_help_record(context))]
    rows = [(code(names), meaning) for names, meaning in records]  # Arguments stand in the usage.
    return f"{level} {path}\n\n```text\n{usage}\n```\n\n{text}\n\n{table(('option', 'meaning'), rows) if rows else ''}"
