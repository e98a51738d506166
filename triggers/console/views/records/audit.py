"""The audit log: its entries, whether it is whole, and the proof of one entry."""

from base64 import b64decode
from collections.abc import Mapping
from json import loads
from typing import Any

from shared.domain.trust.merkle import includes, leaf_hash
from shared.domain.trust.tree_heads import read_tree_head
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page

FILTERS = ("subject", "kind", "who", "since", "until", "sort", "cursor")
ORDERS = {"": "the newest first", "number": "the oldest first"}


async def show(request: PageRequest) -> View:
    query = asked(request.query, FILTERS)
    page = await request.api("list_audit_entries", query={"all": "true"} | query)
    models = {model.name for model in request.clients.configuration.ladder.models}
    data = {
        "rows": page.entries,
        "size": page.size,
        "reached": page.reached,
        "next": next_page("/console/audit", query, page.next),
        "filters": query,
        "orders": ORDERS if query.get("subject") else {},
        "subjects": sorted(models),
        "kinds": sorted({entry.kind for entry in page.entries}),
    }
    return View(template="audit.html", title="Audit log", data=data)


async def verify(request: PageRequest) -> View:
    """Reads the whole log, or what came after a head that somebody has noted."""
    query = asked(request.query, ("since",))
    verdict = await request.api("verify_audit", query=query)
    data = {"verdict": verdict, "since": query.get("since", "")}
    return View(template="audit_verdict.html", title="Audit log", data=data)


async def prove(request: PageRequest) -> View:
    proof = await request.api("prove_entry", request.parameters)
    content, head = b64decode(proof.entry), read_tree_head(proof.head)
    hashes = tuple(b64decode(text) for text in proof.hashes)
    entry = loads(content)
    data = {
        "entry": entry,
        "links": links_of(entry.get("facts") or {}),
        "proof": proof,
        "leaf": leaf_hash(content).hex(),
        "path": [text.hex() for text in hashes],
        "head": head,
        "root": head.root.hex(),
        "keyids": [signature.keyid for signature in proof.head.signatures],
        # Calculated here once more, from what the proof itself says.
        "is_proven": includes(content, proof.index, proof.size, head.root, hashes),
    }
    return View(template="audit_entry.html", title=f"Entry {entry['number']}", data=data)


def links_of(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an entry is about that has a page: its id with the address."""
    pages = {"promotion": "promotions", "run": "retrainings"}
    return [(str(facts[name]), f"/console/{folder}/{facts[name]}") for name, folder in pages.items() if facts.get(name)]
