"""A search for any id: the page that is meant where one thing is called so, else everything that may be meant."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from triggers.console.page import Elsewhere, PageRequest, View
from triggers.console.pages import PAGES

_LONGEST = 200
_GROUPS = {  # What has few of a name comes first.
    "model": "Models",
    "route": "Routes",
    "schedule": "Schedules",
    "data contract": "Data contracts",
    "decision": "Decisions",
    "audit entry": "Audit log",
    "message": "Messages",
    "dead letter": "Dead letters",
    "event": "Events",
    "promotion": "Promotions",
    "training": "Runs of training",
    "import": "Imports",
    "data set": "Data sets",
    "run": "Runs",
}
_ADDRESSES: Mapping[str, Callable[[Any], str]] = {
    "run": lambda hit: f"runs/{quote(hit.id)}",
    "promotion": lambda hit: f"promotions/{quote(hit.id)}",
    "import": lambda hit: f"imports/{quote(hit.id)}",
    "training": lambda hit: f"retrainings/{quote(hit.id)}",
    "model": lambda hit: _model(hit.id),
    "data set": lambda hit: f"datasets/{quote(hit.parent)}/versions/{quote(hit.id)}",
    "data contract": lambda hit: f"data-contracts?path={quote(hit.id)}",
    "route": lambda hit: f"runs?route={quote(hit.id)}",
    "schedule": lambda hit: f"schedules/{quote(hit.id)}",
    "dead letter": lambda hit: f"dead-letters?letter={quote(hit.id)}",
    "decision": lambda hit: f"promotions/{quote(hit.parent)}" if hit.parent else f"audit/{hit.id}",
    "audit entry": lambda hit: f"audit/{hit.id}",
}


async def show(request: PageRequest) -> View | Elsewhere:
    text = request.query.get("q", "").strip()[:_LONGEST]
    results = await request.api("search", query={"q": text})
    exact = [address for hit in results.hits if hit.exact and (address := address_of(hit))]
    if len(exact) == 1:
        return Elsewhere(address=exact[0])
    rows = [{"hit": hit, "address": address_of(hit)} for hit in results.hits]
    groups = [
        {"kind": kind, "words": words, "rows": found}
        for kind, words in _GROUPS.items()
        if (found := [row for row in rows if row["hit"].kind == kind])
    ]
    data = {"find": text, "groups": groups, "more": results.more}
    return View(template="search.html", title="Search", data=data)


def address_of(hit: Any) -> str:
    """The page of what was found; empty where it has none."""
    return f"/console/{_ADDRESSES[hit.kind](hit)}" if hit.kind in _ADDRESSES else ""


def _model(name: str) -> str:
    """The model's own page, or what the audit log has on it."""
    has_page = any(page.path == "models/{model}" for page in PAGES)
    return f"models/{quote(name)}" if has_page else f"audit?subject={quote(name)}"
