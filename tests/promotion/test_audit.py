"""The audit log is verified while others append to it and die, and finds what a hand has done to its ends."""

from typing import Any
from urllib.parse import quote

import pytest

from shared.adapters.audit_log.layout import head_path
from shared.adapters.audit_log.log import BlobAudit
from shared.adapters.audit_log.publishers import PublishedContainer
from shared.domain.promotion.audit import Entry
from shared.domain.trust.tree_heads import read_tree_head
from shared.ports import TreeHeadPublisher
from tests.fakes.ports import MemoryHub
from tests.promotion.conftest import PromotionApp


def append(app: PromotionApp, key: str) -> Entry:
    return app.clients.audit.append(key, "moved", "churn:1", "signalbox", {})


def restart(app: PromotionApp, publisher: TreeHeadPublisher | None = None) -> None:
    """Another process appends and verifies from here on."""
    clients = app.clients
    vars(clients)["audit"] = BlobAudit(app.hub, "signalbox", clients.clock, clients.signing, publisher=publisher)


async def verdict(app: PromotionApp) -> Any:
    _, answer = await app.ask("GET", "audit")
    return answer


async def test_entries_that_come_while_it_is_verified_break_nothing(
    app: PromotionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, read, listing = append(app, "1"), app.hub.read, app.hub.list
    appended = set[str]()

    def busy(key: str, answer: Any) -> Any:
        """Another process appends at the first look."""
        if key not in appended:
            appended.add(key)
            append(app, key)
        return answer

    monkeypatch.setattr(app.hub, "read", lambda container, path: _at(path, "audit/entries/", busy, read))
    monkeypatch.setattr(app.hub, "list", lambda container, prefix: _at(prefix, "audit/subjects/", busy, listing))

    report = await verdict(app)

    assert appended == {"audit/entries/", "audit/subjects/"}
    assert (report["whole"], report["entries"], report["head"]) == (True, 1, first.hash), report["broken"]


def _at(path: str, start: str, busy: Any, look: Any) -> Any:
    answer = look("signalbox", path)
    return busy(start, answer) if path.startswith(start) else answer


@pytest.mark.parametrize("written", [0, 1, 2])
async def test_whoever_dies_while_an_entry_is_laid_down_leaves_the_chain_whole(app: PromotionApp, written: int) -> None:
    append(app, "1")
    before = set(app.hub.blobs)
    append(app, "2")
    # Its head was written first, whole and signed.
    head, *laid = [path for container, path in app.hub.blobs if (container, path) not in before]
    for path in laid[written:]:
        app.hub.delete("signalbox", path)
    restart(app)

    report = await verdict(app)

    assert head == head_path(2)
    assert (len(laid), report["whole"], report["entries"]) == (3, True, 2), report["broken"]


async def test_a_head_that_was_taken_away_or_put_back_is_found(app: PromotionApp) -> None:
    append(app, "1")
    older = app.hub.read("signalbox", head_path(1)) or b""
    append(app, "2")

    app.hub.land(f"signalbox/{head_path(2)}", older)
    restart(app)
    back = await verdict(app)
    app.hub.delete("signalbox", head_path(2))
    restart(app)
    gone = await verdict(app)

    assert ["the chain goes on to 2" in " ".join(report["broken"]) for report in (back, gone)] == [True, True]
    assert "head 2 cannot be read" in " ".join(back["broken"])


async def test_heads_are_published_when_a_promotion_ends_and_by_the_sweep(app: PromotionApp) -> None:
    elsewhere = MemoryHub(app.clients.clock.now)
    publisher = PublishedContainer(elsewhere, "tree-heads")
    restart(app, publisher)
    vars(app.clients)["tree_heads"] = publisher
    app.register("1", error=1.0)

    await app.whole("churn:1")
    at_the_end = [read_tree_head(envelope).size for envelope in publisher.published()]
    entries = len(app.chain())
    append(app, "later")
    await app.sweep()
    sizes = [read_tree_head(envelope).size for envelope in publisher.published()]

    assert entries in at_the_end
    assert (sizes[0], sizes[1:]) == (entries + 1, at_the_end)
    assert (await verdict(app))["whole"]


async def test_a_proof_of_an_entry_is_answered_and_only_the_new_part_is_verified(app: PromotionApp) -> None:
    append(app, "1")
    older = await verdict(app)
    append(app, "2")

    status, proof = await app.ask("GET", "audit/1/proof")
    missing, reason = await app.ask("GET", "audit/3/proof")
    _, newer = await app.ask("GET", f"audit?since={quote(older['tree_head'])}")
    stranger, _ = await app.ask("GET", "audit?since=7")

    assert (status, sorted(proof)) == (200, ["entry", "hashes", "head", "index", "size"])
    assert (proof["index"], proof["size"]) == (0, 2)
    assert (missing, "it has 1 to 2" in reason["detail"]) == (422, True)
    assert (newer["whole"], newer["entries"], newer["tree_head"][:2]) == (True, 2, "2:")
    assert stranger == 422
