"""The page of the demonstrations has every one of them. It is a file of its own, as it reads the Makefile alone."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_every_demonstration_of_the_makefile_is_on_the_page_of_the_demonstrations() -> None:
    targets = re.findall(r"^(demo[a-z-]*):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    page = (PROJECT / "docs" / "demonstrations.md").read_text()

    assert len(targets) > 1
    assert sorted(re.findall(r"^make (demo[a-z-]*) ", page, re.MULTILINE)) == sorted(targets)
