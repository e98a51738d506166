"""The audit log is verified while others append to it and die, and finds what a hand has done to its ends."""

from typing import Any

import pytest

from shared.domain.promotion.audit import Entry
from tests.promotion.conftest import PromotionApp


def append(app: PromotionApp, key: str) -> Entry:
    return app.clients.audit.append(key, "moved", "churn:1", "signalbox", {})


async def verdict(app: PromotionApp) -> Any:
    _, answer = await app.ask("GET", "audit")
    return answer


async def test_entries_that_come_while_it_is_verified_break_nothing(
    app: PromotionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, entries, filed = append(app, "1"), app.clients.audit.entries, app.clients.audit.filed

    def busy(what: Any, key: str) -> Any:
        append(app, key)
        return what()

    monkeypatch.setattr(app.clients.audit, "entries", lambda: busy(entries, "2"))
    monkeypatch.setattr(app.clients.audit, "filed", lambda: busy(filed, "3"))

    said = await verdict(app)

    assert (said["whole"], said["entries"], said["head"]) == (True, 1, first.hash), said["broken"]


@pytest.mark.parametrize("written", [0, 1, 2])
async def test_whoever_dies_while_an_entry_is_laid_down_leaves_the_chain_whole(app: PromotionApp, written: int) -> None:
    append(app, "1")
    before = set(app.hub.blobs)
    append(app, "2")
    laid = [path for container, path in app.hub.blobs if (container, path) not in before]
    for path in laid[written:]:
        app.hub.delete("signalbox", path)

    said = await verdict(app)

    assert (len(laid), said["whole"], said["entries"]) == (3, True, 2), said["broken"]


async def test_a_head_that_was_taken_away_or_put_back_is_found(app: PromotionApp) -> None:
    append(app, "1")
    older = app.hub.read("signalbox", "audit/head.json") or b""
    append(app, "2")

    app.hub.land("signalbox/audit/head.json", older)
    back = await verdict(app)
    app.hub.delete("signalbox", "audit/head.json")
    gone = await verdict(app)

    assert ["the chain goes on to 2" in each["broken"][0] for each in (back, gone)] == [True, True]
