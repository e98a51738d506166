"""Two versions side by side: what differs first, then what is alike."""

from collections.abc import Mapping
from typing import Any

from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked
from triggers.console.views.releases.model import versions_of

_OWN = "signalbox."  # Tags that the product writes, which differ between any two versions.


async def show(request: PageRequest) -> View:
    name, chosen = request.parameters["model"], asked(request.query, ("first", "second"))
    shown = await request.api("show_model", request.parameters)
    versions = versions_of(shown.versions)
    data: dict[str, Any] = {"model": shown.name, "versions": versions, "chosen": chosen, "compared": None}
    if len(chosen) == 2:
        compared = await request.api("compare_versions", request.parameters, chosen)
        first, second = compared.first, compared.second
        tags = _pairs(_tags(shown, chosen["first"]), _tags(shown, chosen["second"]))
        data |= {
            "compared": compared,
            "metrics": _pairs(first.values, second.values),
            "slices": _pairs(_slices(first), _slices(second)),
            "direct": _direct(first, second),
            "lineage": _pairs(
                {"bundle": first.bundle, **first.lineage} if first.bundle else {},
                {"bundle": second.bundle, **second.lineage} if second.bundle else {},
            ),
            "files": _pairs(first.files, second.files),
            "tags": [row for row in tags if not row["name"].startswith(_OWN)],
            "own_tags": [row for row in tags if row["name"].startswith(_OWN)],
        }
    return View(template="comparison.html", title=f"Compare versions of {name}", data=data)


def _pairs(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each name with both values, those that differ first; a value that is not there is None."""
    values = ((name, first.get(name), second.get(name)) for name in dict.fromkeys((*first, *second)))
    rows = [{"name": name, "first": one, "second": other, "same": one == other} for name, one, other in values]
    return sorted(rows, key=lambda row: bool(row["same"]))


def _slices(evidence: Any) -> dict[str, float]:
    return {f"{part.slice}, {part.metric}": part.value for part in evidence.slices}


def _direct(first: Any, second: Any) -> dict[str, Any] | None:
    """The paired differences where one of the two was measured against the other."""
    for newer, older in ((second, first), (first, second)):
        if newer.champion == older.model and newer.differences:
            return {"newer": newer.model, "older": older.model, "rows": newer.differences}
    return None


def _tags(shown: Any, version: str) -> dict[str, str]:
    """The tags of a version: where two places differ, those of the later one."""
    tags = dict[str, str]()
    for row in shown.versions:
        if row.version == version:
            tags |= row.tags
    return tags
