"""The table of docs/host.md is that of the suite."""

from pathlib import Path

from tests.conformance.table import rows, written

PAGE = Path(__file__).parents[2] / "docs" / "host.md"


def test_the_page_shows_what_the_suite_proves() -> None:
    page = PAGE.read_text()
    assert written(page) == page, "run make documents"
    assert len(rows()) > 80
