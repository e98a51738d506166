"""Whether a command that a document shows is there, with its options: found in click's own tree, and not run."""

from shlex import split

import click

from signalbox.cli.main import main


def unknown_words(command: str) -> list[str]:
    """The words of *command* that the command line does not know: its name, or options."""
    group: click.Command = main
    words = split(command)[1:]
    while words and isinstance(group, click.Group) and words[0] in group.commands:
        group = group.commands[words.pop(0)]
    if group is main and words and not words[0].startswith("-"):
        return words[:1]
    options = {name for parameter in group.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options |= {"--help", "-h", "--version"}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
