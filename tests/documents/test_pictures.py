"""Every page of the console's navigation has a picture in the documents. What is on it is not compared."""

import re
from pathlib import Path

from triggers.console.pages import PAGES
from website.screenshots import FOLDER, PICTURES

DOCUMENT = Path(__file__).parents[2] / "docs" / "console.md"
LARGEST, ALL_TOGETHER = 60_000, 800_000  # Bytes: every clone of the repository carries them.


def test_every_page_of_the_navigation_has_a_picture() -> None:
    pictured = {picture.path for picture in PICTURES if not picture.link}

    assert {page.path for page in PAGES if page.label} - pictured == set(), "add them to website/screenshots.py"


def test_every_picture_was_taken_and_is_shown_with_words_for_those_who_cannot_see_it() -> None:
    shown = dict(re.findall(r"!\[(.+?)\]\(pictures/console/(.+?)\.webp\)", DOCUMENT.read_text()))
    names = {picture.name for picture in PICTURES}

    assert names == set(shown.values()), "docs/console.md shows other pictures than website/screenshots.py takes"
    assert len(shown) == len(names), "two pictures have the same words"
    assert names == {file.stem for file in FOLDER.iterdir()}, "run `make demo` and `make screenshots`"


def test_pictures_are_small() -> None:
    sizes = {file.name: file.stat().st_size for file in FOLDER.iterdir()}

    assert {name for name, size in sizes.items() if size > LARGEST} == set()
    assert sum(sizes.values()) <= ALL_TOGETHER
