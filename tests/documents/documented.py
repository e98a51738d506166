"""The commands that README and docs show, as they stand in fenced blocks; and those in prose."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SHELLS = ("sh", "console")  # In a console block commands begin with `$ `, and the rest is what they print.
_FENCE = re.compile(r"^ *```(?P<language>\w*)$")
_COMMAND = re.compile(r"^ *(?:\$ |\.venv/bin/|signalbox |make |curl |python -m |az )")
_INLINE = re.compile(r"`(?:\.venv/bin/)?(signalbox [a-z][^`]*)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A command of a document, its comment left out, and the lines below it that show what it prints."""

    document: str
    command: str
    prints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    document: str
    language: str
    lines: tuple[str, ...]


def documents() -> list[Path]:
    return [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def shown_commands() -> list[Shown]:
    """Every command of every fenced block."""
    return [shown for path in documents() for block in blocks(path) for shown in commands_of(block)]


def blocks(path: Path) -> Iterator[Block]:
    language, lines = None, list[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        fence = _FENCE.match(line)
        if fence and language is None:
            language, lines = fence["language"], []
        elif fence and language is not None:
            yield Block(document=path.relative_to(PROJECT).as_posix(), language=language, lines=tuple(lines))
            language = None
        else:
            lines.append(line)


def commands_of(block: Block) -> Iterator[Shown]:
    """Those of a shell's block; other blocks show none (`hidden_commands` proves it)."""
    if block.language not in SHELLS:
        return
    joined = "\n".join(block.lines).replace("\\\n", " ").splitlines()
    if block.language == "sh":
        yield from (Shown(document=block.document, command=plain(line)) for line in joined if plain(line))
        return
    for part in "\n".join(joined).split("$ ")[1:]:
        command, *prints = part.splitlines()
        yield Shown(document=block.document, command=plain(command), prints=tuple(filter(str.strip, prints)))


def hidden_commands() -> list[str]:
    """Lines that look like commands in blocks that are not marked as a shell's."""
    return [
        f"{block.document}: {line}"
        for path in documents()
        for block in blocks(path)
        if block.language not in SHELLS
        for line in block.lines
        if _COMMAND.match(line)
    ]


def plain(line: str) -> str:
    """*line* without its comment, with single spaces."""
    lexer = shlex.shlex(line, posix=False, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, "#"
    return " ".join(lexer)


def inline_commands() -> list[tuple[str, str]]:
    """Documents and the commands that their prose names."""
    return [
        (path.name, found)
        for path in documents()
        for found in _INLINE.findall(re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL))
    ]
