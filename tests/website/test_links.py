"""Links of README and docs as GitHub follows them: to a file that is there, and to the anchor of a heading."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.documents.documented import documents

_FENCES = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


@cache
def text_of(path: Path) -> str:
    """A document without what stands in its fenced blocks."""
    return _FENCES.sub("", path.read_text(encoding="utf-8"))


@cache
def anchors_of(path: Path) -> frozenset[str]:
    """As GitHub makes them: lower case, without punctuation, with a number where a heading comes again."""
    anchors = list[str]()
    for heading in _HEADING.findall(text_of(path)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        repeated = sum(
            known == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", known) is not None for known in anchors
        )
        anchors.append(f"{anchor}-{repeated}" if repeated else anchor)
    return frozenset(anchors)


def objections(path: Path) -> list[str]:
    """The links of *path* that lead nowhere."""
    wrong = list[str]()
    for link in _LINK.findall(re.sub(r"`[^`\n]*`", "", text_of(path))):
        place, _, anchor = unquote(link).partition("#")
        target = (path.parent / place).resolve() if place else path
        if re.match(r"[a-z]+:", place):
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_links_lead_to_files_and_anchors_that_are_there(path: Path) -> None:
    assert objections(path) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b` (c)\n\n[1](page.md#a-b-c) [2](page.md#d) [3](gone.md) [4](https://example.org/gone.md)\n")

    assert objections(page) == ["page.md#d", "gone.md"]
