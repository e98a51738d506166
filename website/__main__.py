"""`python -m website`: build the site into site/, and fail when a link, an anchor or an address is wrong."""

import logging
import sys
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort

from website.built_pages import faults_of
from website.sources import write_sources

PROJECT = Path(__file__).parents[1]
SITE = PROJECT / "site"
DECISIONS = "decisions"  # Stands in the navigation for every page of that folder.


def main() -> int:
    """The exit code: 1 where MkDocs warns of something, or a built page is at fault."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    write_sources(PROJECT, PROJECT / "build" / "website")
    try:
        configuration = load_config(str(PROJECT / "website" / "mkdocs.yml"), strict=True)
        _list_decisions(configuration)
        build(configuration)
    except Abort as abort:
        print(f"the site is not built: {abort}", file=sys.stderr)
        return 1
    faults = faults_of(SITE)
    print("\n".join(faults), file=sys.stderr, end="\n" if faults else "")
    if not faults:
        print(f"built {len([*SITE.rglob('*.html')])} pages in {SITE.name}/; open {SITE.name}/index.html")
    return 1 if faults else 0


def _list_decisions(configuration: MkDocsConfig) -> None:
    pages = sorted(Path(configuration.docs_dir, DECISIONS).glob("*.md"))
    for section in configuration.nav or ():
        for entries in section.values():
            if DECISIONS in entries:
                entries[entries.index(DECISIONS)] = {"Decisions": [f"{DECISIONS}/{page.name}" for page in pages]}


if __name__ == "__main__":
    sys.exit(main())
