"""The page of a data set: drawn by Bokeh, whole in one file, and harmless whatever names and values say."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from shared.codec import encode
from shared.operations.local_dataset import profile_files
from signalbox.dataset_page.page import MOST_PLOTS, dataset_page

HOSTILE = "</script><script>alert(1)</script>"
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
ITEMS = re.compile(r'<script type="application/json" id="items">(.*?)</script>', re.DOTALL)


def page_of(folder: Path, content: str, name: str = "a.csv") -> str:
    file = folder / name
    file.write_text(content)
    return dataset_page(encode(profile_files([file])))


def items(page: str) -> dict[str, Any]:
    match = ITEMS.search(page)
    return json.loads(match.group(1)) if match else {}


def models(value: Any) -> list[dict[str, Any]]:
    """Every model of Bokeh in *value*."""
    if isinstance(value, list):
        return [model for each in value for model in models(each)]
    if not isinstance(value, dict):
        return []
    own = [value] if value.get("type") == "object" else []
    return own + [model for each in value.values() for model in models(each)]


def test_each_kind_of_figure_has_its_plot_and_its_table(tmp_path: Path) -> None:
    rows = [f"{n},{n * n},{'ab'[n % 2]},2024-01-{n % 9 + 1:02d},,5" for n in range(40)]
    page = page_of(tmp_path, "\n".join(["x,y,kind,day,empty,same", *rows]))

    kinds = [
        sorted({model["name"] for model in models(item)} & {"Quad", "HBar", "Rect"}) for item in items(page).values()
    ]
    assert kinds == [["HBar"], ["Rect"], ["Quad"], ["Quad"], ["HBar"], ["Quad"]]
    assert set(items(page)) == set(re.findall(r'class="plot" id="([^"]+)"', page))
    assert page.count("as a table") == 5  # What is missing stands in the table of columns.
    assert "40 (100.0 %)" in page
    assert "No value." in page
    assert "Every value is 5." in page


def test_a_histogram_has_the_figures_and_the_tools(tmp_path: Path) -> None:
    page = page_of(tmp_path, "\n".join(["day", *(f"2024-01-{n + 1:02d}" for n in range(25))]))

    found = models(items(page))
    (source,) = (model for model in found if model["name"] == "ColumnDataSource")
    data = dict(source["attributes"]["data"]["entries"])
    assert sum(data["rows"]) == 25
    assert (data["from"][0], data["to"][-1], data["left"][0]) == ("2024-01-01", "2024-01-25", 1704067200000.0)
    assert {"HoverTool", "BoxZoomTool", "ZoomInTool", "ResetTool", "DatetimeAxis"} <= {model["name"] for model in found}


def test_only_the_two_scripts_of_the_page_may_run(tmp_path: Path) -> None:
    rows = [f"{n},{HOSTILE}{n % 2}" for n in range(50)]
    page = page_of(tmp_path, "\n".join([f"x,{HOSTILE}", *rows]))

    scripts = SCRIPT.findall(page)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert len(scripts) == 2
    assert f"default-src 'none'; script-src 'sha256-{digests[0]}' 'sha256-{digests[1]}'; style-src" in policy
    assert "unsafe-eval" not in policy
    assert "connect-src" not in policy
    assert "alert(1)" not in "".join(scripts)


def test_nothing_is_loaded_and_light_and_dark_are_the_readers(tmp_path: Path) -> None:
    page = page_of(tmp_path, "\n".join(["x,y", *(f"{n},<img src=//evil>" for n in range(50))]))

    own = page
    for script in SCRIPT.findall(page):
        own = own.replace(script, "")
    assert not re.search(r"(src|href)=(?!\"#)|url\(|@import", own.replace("img src=//evil", ""))
    assert "prefers-color-scheme: dark" in own
    assert 'name="viewport"' in own
    assert len(page) < 1_500_000


def test_names_and_values_are_never_read_as_tex(tmp_path: Path) -> None:
    """BokehJS would load MathJax from another host to draw it."""
    tex = r"$$\alpha$$"
    page = page_of(tmp_path, "\n".join([f"{tex},b,c", *(f"{n},{n % 7},{tex}" for n in range(20))]))

    labels = [
        label
        for model in models(items(page))
        for _, label in model.get("attributes", {}).get("major_label_overrides", {}).get("entries", [])
    ]
    assert [label["attributes"]["text"] for label in labels].count(tex) == 3  # Twice at the map, and once at a bar.
    assert {label["name"] for label in labels} == {"PlainText"}
    assert [model for model in models(items(page)) if model["name"] == "Title" and model.get("attributes")] == []


def test_of_many_columns_the_first_are_drawn_and_the_page_stays_small(tmp_path: Path) -> None:
    names = ",".join(f"n{number}" for number in range(300))
    page = page_of(tmp_path, "\n".join([names, *(",".join([str(n)] * 300) for n in range(20))]))

    assert len(items(page)) == MOST_PLOTS + 1  # And the correlations.
    assert "200 columns are described, and 100 are not." in page
    assert "--column NAME" in page
    assert f"The first {MOST_PLOTS} columns are drawn" in page
    assert len(page) < 2_500_000


def test_texts_alone_have_no_correlations_and_no_rows_no_scripts(tmp_path: Path) -> None:
    texts = page_of(tmp_path, "a,b\nx,y\nz,y\n")
    broken = page_of(tmp_path, "a,b\n1,2,3\n")

    assert "Correlations" not in texts
    assert "No value is missing." in texts
    assert "3 fields instead of 2" in broken
    assert "script-src 'none'" in broken
    assert "<script" not in broken


def test_annotations_have_a_page_too(tmp_path: Path) -> None:
    page = page_of(tmp_path, json.dumps({"images": [], "annotations": [], "categories": []}), "labels.json")

    assert "it has no images" in page
