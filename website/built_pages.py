"""What is wrong with built pages: a resource of another host, a link to a missing page, a missing anchor.

A page may link to another site, for a reader to follow. It may not load anything from there.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# The attributes by which a browser loads something without being asked.
_LOADS = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
_OUTSIDE = re.compile(r"\s*(?:https?:|//)", re.IGNORECASE)
_OF_STYLES = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:|//)[^'\")]*)", re.IGNORECASE)


class Page(HTMLParser):
    """The anchors, the links and the loaded addresses of one page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors, self.links, self.loaded = set[str](), list[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.anchors |= {attributes[name] for name in ("id", "name") if name in attributes}
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        self.loaded += [attributes[name] for name in _LOADS.get(tag, ()) if name in attributes]
        self.loaded += _OF_STYLES.findall(attributes.get("style", ""))


def faults_of(site: Path) -> list[str]:
    """A line for each fault of the pages and style sheets below *site*."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    faults = [
        f"{path.relative_to(site.resolve())}: {fault}"
        for path, page in pages.items()
        for fault in (*_outside(page), *_broken_links(site.resolve(), path, page, pages))
    ]
    for path in [*sorted(site.rglob("*.css")), *sorted(site.rglob("*.svg"))]:
        addresses = _OF_STYLES.findall(path.read_text(encoding="utf-8"))
        faults += [f"{path.relative_to(site)}: loads {address}" for address in addresses]
    return faults


def _outside(page: Page) -> Iterator[str]:
    for address in page.loaded:
        if _OUTSIDE.match(address):
            yield f"loads {address}"


def _broken_links(site: Path, path: Path, page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        base = site if parts.path.startswith("/") else path.parent
        target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file():
            yield f"links to {link}, which is not there"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"links to {link}, where that anchor is not"
