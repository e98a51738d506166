"""The tree that MkDocs builds: docs/, the generated pages and the drawn diagrams.

No plug-in of MkDocs is needed, so that another generator can build the same tree.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from website.reference import commands, configuration, errors, events, http_api, metrics

REFERENCE: dict[str, Callable[[Path], str]] = {
    "configuration": configuration.page,
    "commands": commands.page,
    "http-api": http_api.page,
    "events": events.page,
    "metrics": metrics.page,
    "errors": errors.page,
}
# Pages of docs/ that GitHub shows too get a link to their generated counterpart on the site alone.
COUNTERPARTS = {
    "configuration.md": ("configuration", "every field"),
    "command-line.md": ("commands", "every command and option"),
    "http-api.md": ("http-api", "every route, with its fields"),
    "observability.md": ("metrics", "every metric"),
    "operations.md": ("errors", "every error, with its remedy"),
}
_DIAGRAM = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
_FILE_LINK = re.compile(
    r"\[[\w-]+\.md\]\(([\w./-]+\.md)"
)  # A link that is called by its file, as GitHub's readers know it.
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#]+)\)")


def write_sources(project: Path, folder: Path) -> None:
    """Write the tree into *folder*, anew but for the diagrams that have not changed."""
    folder = folder.resolve()
    pages, diagrams = folder / "docs", folder / "diagrams"  # As website/mkdocs.yml has them.
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(project / "docs", pages)
    (pages / "reference").mkdir()
    for name, page in REFERENCE.items():
        (pages / "reference" / f"{name}.md").write_text(page(project), encoding="utf-8")
    titles = {path: _title(path) for path in pages.rglob("*.md")}
    for path in titles:
        _adapt(path, pages, diagrams, titles)


def _title(path: Path) -> str:
    heading = _TITLE.search(path.read_text(encoding="utf-8"))
    return heading[1].partition(":")[0].replace("`", "") if heading else path.name


def _adapt(path: Path, pages: Path, diagrams: Path, titles: Mapping[Path, str]) -> None:
    """Put what only the site has into the page at *path*."""
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(pages).as_posix()
    adapted = _DIAGRAM.sub(lambda block: _image(block[1], path, pages, diagrams), text)
    adapted = _LINK.sub(lambda link: _within_site(link, path.parent, pages), adapted)
    adapted = _FILE_LINK.sub(lambda link: f"[{titles[(path.parent / link[1]).resolve()]}]({link[1]}", adapted)
    if name in COUNTERPARTS:
        page, content = COUNTERPARTS[name]
        adapted += f"\n---\n\nThe reference has [{content}](reference/{page}.md).\n"
    if adapted != text:
        path.write_text(adapted, encoding="utf-8")


def _within_site(link: re.Match[str], folder: Path, pages: Path) -> str:
    """The link, or the name of the file of the repository that it leads to, which the site does not have."""
    target = (folder / link[2]).resolve()
    if target.is_relative_to(pages.resolve()):
        return link[0]
    return f"{link[1]} (`{os.path.relpath(target, pages.parent.resolve())}` of the repository)"


def _image(diagram: str, path: Path, pages: Path, diagrams: Path) -> str:
    """The Markdown of a picture of *diagram*, which is drawn at its first use and kept by its digest."""
    name = f"{hashlib.sha256(diagram.encode()).hexdigest()[:16]}.svg"
    kept = diagrams / name
    if not kept.is_file():
        from mermaidx import render  # Its engine is started only for a diagram that has changed.

        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(render(diagram, theme="neutral").svg(), encoding="utf-8")
    target = pages / "pictures" / "diagrams" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, target)
    up = "../" * len(path.relative_to(pages).parent.parts)
    return f"![The picture of what the page says]({up}pictures/diagrams/{name})" + "{.diagram}"
