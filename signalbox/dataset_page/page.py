"""A data set's figures as one page: tables for everybody, and plots for those who can see them.

The page loads nothing. Its two scripts are inside it and named by their digests in its policy, so that no script that
stands in a name or a value can ever run, and none of them may ask another host or evaluate a text.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from bokeh.models import Plot
from bokeh.resources import Resources
from markupsafe import Markup

from signalbox.counting import counted
from signalbox.dataset_page.plots import (
    Figures,
    correlation_map,
    for_page,
    frequent_values,
    histogram,
    missing_values,
)

MOST_PLOTS = 60  # Of columns; the figures of the others are in tables.
_HERE = Path(__file__).parent


@dataclass(slots=True)
class _Plots:
    """The plots of a page by the ids of their places."""

    items: dict[str, Any] = field(default_factory=dict)

    def place(self, plot: Plot | None, label: str) -> Mapping[str, Any] | None:
        """The id, the label and the height of the place of *plot*; None where there is none."""
        if plot is None:
            return None
        place = f"plot-{len(self.items)}"
        self.items[place] = for_page(plot, place)
        return {"id": place, "label": f"{label}; the figures are in the table.", "height": plot.height}


def dataset_page(profile: Figures) -> str:
    """The page of *profile*, which is what the app's `shared.operations.local_dataset` prints."""
    table, plots = profile["table"], _Plots()
    columns = table["columns"] if table else []
    missing = sorted((column for column in columns if column["missing"]), key=lambda column: -column["missing"])
    missing_plot = missing_values(missing[:MOST_PLOTS], table["rows"]) if missing else None
    correlations = table["correlations"] if table else None
    correlation_plot = correlation_map(correlations) if correlations else None
    shown = {
        "missing": plots.place(missing_plot, "Rows without a value, by column"),
        "correlations": plots.place(correlation_plot, "Correlation of each pair of columns"),
        "columns": [
            (column, _values_place(plots, column) if number < MOST_PLOTS else None)
            for number, column in enumerate(columns)
        ],
    }
    library, own = _library(), (_HERE / "page.js").read_text(encoding="utf-8")
    return _template().render(
        profile=profile,
        problems=(table or profile["boxes"] or {}).get("problems", []),
        most_plots=MOST_PLOTS,
        **shown,
        items=_as_script_data(plots.items),
        scripts=[Markup(library), Markup(own)] if plots.items else [],
        digests=[_digest(library), _digest(own)] if plots.items else [],
    )


def _values_place(plots: _Plots, column: Figures) -> Mapping[str, Any] | None:
    """Where the values of *column* are drawn."""
    if column["values"]:
        return plots.place(frequent_values(column), f"The most frequent values of {column['name']}")
    return plots.place(histogram(column), f"Rows by value of {column['name']}")


def _library() -> str:
    """BokehJS alone, without its widgets and tables."""
    return str(Resources(mode="inline", components=["bokeh"]).js_raw[0])


def _digest(script: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _as_script_data(items: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the element in which it stands."""
    return Markup(json.dumps(items, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["figure"] = lambda value: "" if value is None else f"{value:.6g}"
    environment.filters["counted"] = counted
    return environment.get_template("page.html")
