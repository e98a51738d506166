"""Pieces of Markdown for the generated pages."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a cell keeps its bars and loses its line breaks."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def code(text: str) -> str:
    """*text* as code, with a fence that is longer than any run of backticks in it."""
    fence = "`"
    while fence in text:
        fence += "`"
    return f"{fence}{text}{fence}" if text else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|") or " "
