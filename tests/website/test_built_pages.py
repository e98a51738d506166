"""The check of built pages finds what a reader's browser would load from elsewhere, and links that lead nowhere."""

from pathlib import Path

import pytest

from website.built_pages import faults_of


def site(folder: Path, body: str, style: str = "") -> Path:
    (folder / "guides").mkdir()
    (folder / "index.html").write_text(f'<h1 id="top">Home</h1>{body}')
    (folder / "guides" / "operator.html").write_text('<h2 id="runs">Runs</h2><a href="../index.html#top">up</a>')
    (folder / "site.css").write_text(style)
    return folder


def test_links_within_the_site_and_links_to_follow_elsewhere_are_right(tmp_path: Path) -> None:
    body = '<a href="guides/operator.html#runs">a</a><a href="#top">b</a><a href="https://example.org/x">c</a>'

    assert faults_of(site(tmp_path, body, "p { background: url(data:image/png;base64,AA) }")) == []


@pytest.mark.parametrize(
    "body",
    [
        '<script src="https://cdn.example.org/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example.org/a.css">',
        '<img src="http://example.org/a.png">',
        '<img srcset="https://example.org/a.png 2x">',
        '<iframe src="https://example.org/"></iframe>',
        "<p style=\"background: url('https://example.org/a.png')\">a</p>",
    ],
)
def test_a_page_loads_nothing_from_another_host(tmp_path: Path, body: str) -> None:
    (fault,) = faults_of(site(tmp_path, body))

    assert fault.startswith("index.html: loads ")


@pytest.mark.parametrize(
    "style", ['@import "https://example.org/a.css";', "p { background: url(//example.org/a.png) }"]
)
def test_a_style_sheet_loads_nothing_from_another_host(tmp_path: Path, style: str) -> None:
    (fault,) = faults_of(site(tmp_path, "", style))

    assert fault.startswith("site.css: loads ")


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("guides/nobody.html", "which is not there"),
        ("guides/operator.html#walks", "where that anchor is not"),
        ("#bottom", "where that anchor is not"),
    ],
)
def test_a_link_leads_to_a_page_and_an_anchor(tmp_path: Path, link: str, reason: str) -> None:
    (fault,) = faults_of(site(tmp_path, f'<a href="{link}">a</a>'))

    assert fault == f"index.html: links to {link}, {reason}"
