"""The templates of this folder, rendered by Jinja2.

They stand alone, because the pages and the charts inside them are made of them alike.
"""

from collections.abc import Callable
from pathlib import Path

import jinja2

from shared.domain.counts import counted

_HERE = Path(__file__).parent


def template_named(name: str, **filters: Callable[..., str]) -> jinja2.Template:
    """A template of this folder, with the filters that all of them use, and *filters* of its own."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["short"] = lambda digest: digest[:19] + "…" if len(digest) > 20 else digest
    environment.filters["figure"] = lambda value: f"{value:.6g}"
    environment.filters["rough"] = lambda value: f"{value:.3g}"  # Of an estimate that knows no more digits.
    environment.filters["counted"] = counted
    environment.filters.update(filters)
    return environment.get_template(name)
