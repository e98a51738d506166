"""The audit log is verified while others append to it and die, and finds what a hand has done to its ends."""

from typing import Any

import pytest

from shared.domain.promotion.audit import Entry
from tests.promotion.conftest import Railway


def append(railway: Railway, key: str) -> Entry:
    return railway.clients.audit.append(key, "moved", "churn:1", "signalbox", {})


async def verdict(railway: Railway) -> Any:
    _, answer = await railway.ask("GET", "audit")
    return answer


async def test_entries_that_come_while_it_is_verified_break_nothing(
    railway: Railway, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, entries, filed = append(railway, "1"), railway.clients.audit.entries, railway.clients.audit.filed

    def busy(what: Any, key: str) -> Any:
        append(railway, key)
        return what()

    monkeypatch.setattr(railway.clients.audit, "entries", lambda: busy(entries, "2"))
    monkeypatch.setattr(railway.clients.audit, "filed", lambda: busy(filed, "3"))

    said = await verdict(railway)

    assert (said["whole"], said["entries"], said["head"]) == (True, 1, first.hash), said["broken"]


@pytest.mark.parametrize("written", [0, 1, 2])
async def test_whoever_dies_while_an_entry_is_laid_down_leaves_the_chain_whole(railway: Railway, written: int) -> None:
    append(railway, "1")
    before = set(railway.hub.blobs)
    append(railway, "2")
    laid = [path for container, path in railway.hub.blobs if (container, path) not in before]
    for path in laid[written:]:
        railway.hub.delete("signalbox", path)

    said = await verdict(railway)

    assert (len(laid), said["whole"], said["entries"]) == (3, True, 2), said["broken"]


async def test_a_head_that_was_taken_away_or_put_back_is_found(railway: Railway) -> None:
    append(railway, "1")
    older = railway.hub.read("signalbox", "audit/head.json") or b""
    append(railway, "2")

    railway.hub.land("signalbox/audit/head.json", older)
    back = await verdict(railway)
    railway.hub.delete("signalbox", "audit/head.json")
    gone = await verdict(railway)

    assert ["the chain goes on to 2" in each["broken"][0] for each in (back, gone)] == [True, True]
