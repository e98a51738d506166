"""docs/imports.md shows the imports as they are."""

from pathlib import Path

from tests.architecture.import_picture import page

PROJECT = Path(__file__).parents[2]


def test_the_committed_picture_of_the_imports_is_fresh():
    assert (PROJECT / "docs" / "imports.md").read_text() == page(), "run make documents"
