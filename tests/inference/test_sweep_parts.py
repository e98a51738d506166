"""One missing container, one broken route or one bad record: the sweep goes on, and says where people look."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activities.inference.backlog import look_at_backlog
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.codec import decode
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.operations.doctor.checks.app import sweeps as look_at_sweeps
from shared.records import paths as records
from tests.fakes.ports import MemoryHub
from tests.inference.conftest import CONFIGURATION, InferenceApp

LATER = timedelta(minutes=6)


@pytest.fixture
def sweeps() -> str:
    return "0 0 0 1 1 *"  # None but the test's own.


def failed(app: InferenceApp, sweep: str) -> dict[str, Any]:
    return dict(json.loads(app.hub.read("signalbox", f"sweeps/{sweep}.json") or b"{}"))


def count_requests(hub: MemoryHub, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each path is asked for from now on, by the kind of request."""
    requests = Counter[str]()

    def counted(name: str, ask: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
        def count(container: str, path: str) -> Any:
            requests[f"{name} {path}"] += 1
            return ask(container, path)

        return count

    for name in ("find", "list", "read"):
        monkeypatch.setattr(hub, name, counted(name, getattr(hub, name)))
    return requests


async def swept(app: InferenceApp, orchestration: str = "reconcile") -> c.Swept:
    name = await app.host.start(orchestration, None, {"key": "test"})
    outcome = await app.host.advance_until_finished(name, timeout=60)
    assert outcome.status == "Completed", outcome
    return decode(c.Swept, outcome.output)


@pytest.fixture
def elsewhere(app: InferenceApp) -> InferenceApp:
    """Route `each` takes its files from a container that nobody has made."""
    moved = replace(CONFIGURATION.routes[0], take="elsewhere/{site}/{file}.csv")
    routes = (moved, *CONFIGURATION.routes[1:])
    vars(app.clients)["configuration"] = replace(app.clients.configuration, routes=routes)
    app.hub.missing.add("elsewhere")
    return app


async def test_a_missing_container_keeps_no_other_route_from_being_swept(elsewhere: InferenceApp) -> None:
    blobs = [elsewhere.land(f"landing/{route}/north/a.csv") for route in ("partial", "window")]
    await elsewhere.host.advance(LATER, timeout=60)

    done = await swept(elsewhere)

    assert (done.started, done.opened) == (1, 1)
    assert done.failed == ("route each: elsewhere/: 404 The specified container does not exist.",)
    assert (await elsewhere.finish(elsewhere.run_of(blobs[0]))).outcome == "completed"


async def test_what_was_left_out_is_recorded_shown_by_the_doctor_and_forgotten(elsewhere: InferenceApp) -> None:
    await swept(elsewhere)
    first = failed(elsewhere, "arrivals")
    await elsewhere.host.advance(LATER, timeout=60)
    await swept(elsewhere)
    site: Any = elsewhere.clients

    assert failed(elsewhere, "arrivals") == first  # Since when it has been so, not when it was last seen.
    (finding,) = look_at_sweeps(site)
    assert (finding.grade, finding.subject) == ("broken", "arrivals: route each")
    assert "404 The specified container does not exist." in finding.found

    elsewhere.hub.missing.clear()
    assert (await swept(elsewhere)).failed == ()
    assert failed(elsewhere, "arrivals") == {}
    assert [each.grade for each in look_at_sweeps(site)] == ["ok"]


async def test_a_file_from_before_the_clock_was_put_right_waits_for_no_later_year(
    app: InferenceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = app.land("landing/each/north/a.csv")
    now = app.clients.clock.now
    monkeypatch.setattr(app.clients.clock, "now", lambda: now() - timedelta(days=400))

    assert (await swept(app)).started == 1
    assert (await app.finish(app.run_of(blob))).outcome == "completed"


BAD = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "no field": b"{}",
    "wrong fields": b'{"inference": {}}',
    "no text": b"\xff",
    "too deep": b"[" * 5000,
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
async def test_a_bad_record_of_a_run_keeps_no_other_run_from_being_looked_after(
    app: InferenceApp, content: bytes
) -> None:
    app.land("signalbox/runs-open/a-bad-one.json", content)
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    inference = app.record(run)["inference"]
    app.hub.delete("signalbox", f"runs/{run}/run.json")
    app.land(f"signalbox/runs-open/{run}.json", json.dumps({"inference": inference}).encode())
    await app.host.advance(LATER, timeout=60)

    done = await swept(app)

    assert [failure.partition(": ")[0] for failure in done.failed] == ["record signalbox/runs-open/a-bad-one.json"]
    assert done.started + done.adrift == 1
    assert list(failed(app, "runs")) == ["record signalbox/runs-open/a-bad-one.json"]


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
@pytest.mark.parametrize(
    ("path", "orchestration", "sweep"),
    [
        ("promotions-open/bad.json", "reconcile_promotions", "promotions"),
        ("promotion-sets-open/bad.json", "reconcile_promotions", "promotions"),
        ("devops/open/bad.json", "reconcile_promotions", "promotions"),
        ("swept/each.json", "reconcile", ""),
        ("windows/{window}.json", "reconcile", "arrivals"),
    ],
)
async def test_a_bad_record_of_any_kind_ends_no_sweep(
    app: InferenceApp, path: str, orchestration: str, sweep: str, content: bytes
) -> None:
    app.land("landing/window/north/a.csv")
    file = app.land("landing/each/north/a.csv")
    window = identity.window_id("window", {"site": "north"})
    app.land(f"signalbox/{path.format(window=window)}", content)
    await app.host.advance(LATER, timeout=60)

    done = await swept(app, orchestration)

    fine = "windows" in path and content in (b"", b"{}", b'{"inference": {}}')  # An index without entries.
    if sweep and not fine:
        assert len(failed(app, sweep)) == len(done.failed) == 1, done
    else:
        assert done.failed == ()
    if orchestration == "reconcile":
        assert done.started == 1
        assert (await app.finish(app.run_of(file))).outcome == "completed"


async def test_a_sweep_that_fails_as_a_whole_keeps_the_next_one_from_nothing(
    app: InferenceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Parts, kept: Any) -> None:
        raise Refused(f"{self._name} cannot be recorded")

    monkeypatch.setattr(Parts, "_record", refuse)

    done = await swept(app)

    assert done.failed == ("arrivals cannot be recorded", "runs cannot be recorded")


async def test_what_may_pass_is_tried_again_once_everything_was_tried(app: InferenceApp) -> None:
    parts, tried = Parts("arrivals"), list[str]()
    for name, error in (("a", Transient("busy")), ("b", KeyError("bad")), ("c", None)):
        with parts.part(name):
            tried.append(name)
            if error:
                raise error

    with pytest.raises(Transient, match="of the sweep of arrivals failed: a: busy; b: KeyError: 'bad'"):
        await parts.conclude(app.clients, c.Swept())
    assert (tried, list(failed(app, "arrivals"))) == (["a", "b", "c"], ["a", "b"])


async def test_a_quiet_sweep_asks_for_nothing_twice_and_writes_nothing(
    app: InferenceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await app.finish(await app.arrive("landing/each/north/a.csv"))
    await app.host.advance(LATER, timeout=60)
    await swept(app)
    requests, writes = count_requests(app.hub, monkeypatch), app.hub.writes.copy()

    await swept(app)

    assert requests["read swept/each.json"] == 1
    # `runs-open/` is looked through by the sweep of runs, and counted by the activity after it.
    assert {request for request, count in requests.items() if count > 1} <= {"list runs-open/", "list "}
    assert app.hub.writes == writes


async def test_a_quiet_sweep_of_promotions_lists_the_open_ones_once(
    app: InferenceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = count_requests(app.hub, monkeypatch)

    await swept(app, "reconcile_promotions")

    assert requests[f"list {records.OPEN_PROMOTIONS}"] == 1


async def test_a_container_that_is_missing_leaves_the_rest_of_the_backlog_known(app: InferenceApp) -> None:
    app.hub.missing.add("dead-letters")
    app.land(f"signalbox/{records.OPEN_RUNS}x.json", b"{}")

    seen = await asyncio.to_thread(look_at_backlog, app.clients, c.Sweep(key="test"))

    assert (seen.dead_letters, seen.open_runs) == (None, 1)
