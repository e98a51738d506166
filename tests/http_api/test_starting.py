"""Starts: a status URL of our own, and one effect for one Idempotency-Key, whatever happens in between."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.domain.failures import Transient
from shared.domain.promotion.approvals import Person
from shared.records import paths
from signalbox.host.clock import VirtualClock
from signalbox.host.durable.storage.queries import Filter
from tests.fakes.ports import FakeClients, MemoryHub
from tests.fakes.promotion import NamedPeople
from tests.hosted import hosted
from tests.http_api.conftest import ask
from tests.inference.conftest import CONFIGURATION, InferenceApp

KEY = {"Idempotency-Key": "6f1c9a52-7d0a-4d0e-9f0e-2f6f0d1f7a11"}
CHECK = {"path": "landing/each/north/a.csv", "route": "each"}
SCORE = {"paths": ["landing/each/north/a.csv"], "route": "each", "reason": "asked for by the ward"}


def instances(app: InferenceApp) -> list[str]:
    return sorted(row.instance_id for row in app.host.host.client.query(Filter()))


async def test_a_start_is_answered_with_a_status_url_of_our_own_and_never_the_hosts(app: InferenceApp) -> None:
    app.land(CHECK["path"])

    status, headers, accepted = await ask(app, "POST", "data-checks", CHECK)
    await app.host.settle()
    _, _, operation = await ask(app, "GET", headers["Location"])
    _, _, report = await ask(app, "GET", operation["resource"])

    assert (status, headers["Location"], headers["Retry-After"]) == (202, accepted["status_url"], "2")
    assert accepted["status_url"] == f"/api/v1/operations/{accepted['id']}"
    assert not [word for word in ("runtime", "webhooks", "code=", "http:") if word in f"{headers}{accepted}{operation}"]
    assert (operation["status"], operation["kind"], operation["outcome"]) == ("succeeded", "check_hub_file", "passed")
    assert operation["resource"] == accepted["resource"] == f"/api/v1/data-checks/{accepted['id']}"
    assert report["report"]["rows"] == report["verdict"]["rows"] == 2


async def test_the_same_key_and_request_give_the_same_answer_and_one_effect(app: InferenceApp) -> None:
    app.land(CHECK["path"])

    first = await ask(app, "POST", "data-checks", CHECK, KEY)
    await app.host.settle()
    again = await ask(app, "POST", "data-checks", dict(reversed(CHECK.items())), KEY)
    await app.host.settle()
    without = await ask(app, "POST", "data-checks", CHECK)

    assert again[0] == 202
    assert (again[1]["Location"], again[2]) == (first[1]["Location"], first[2])
    assert without[2]["id"] != first[2]["id"]
    assert instances(app) == sorted([first[2]["id"], without[2]["id"]])
    assert app.hub.writes[f"signalbox/checks/{first[2]['id']}/report.json"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("data-checks", CHECK | {"route": "partial"}), ("runs", SCORE)],
    ids=["another body", "another door"],
)
async def test_the_same_key_with_another_request_is_a_409_and_starts_nothing(
    app: InferenceApp, path: str, body: Any
) -> None:
    app.land(CHECK["path"])
    await ask(app, "POST", "data-checks", CHECK, KEY)
    before = instances(app)

    status, _, refused = await ask(app, "POST", path, body, KEY)

    assert (status, refused["title"]) == (409, "key used before")
    assert "send a new key" in refused["detail"]
    assert instances(app) == before


@pytest.mark.parametrize("key", ["a" * 256, "with space", "ümlaut"])
async def test_a_key_that_is_none_is_refused_and_starts_nothing(app: InferenceApp, key: str) -> None:
    app.land(CHECK["path"])

    status, _, refused = await ask(app, "POST", "data-checks", CHECK, {"Idempotency-Key": key})

    assert (status, refused["title"]) == (400, "bad header")
    assert instances(app) == []


async def test_a_key_is_its_callers_own(app: InferenceApp) -> None:
    people = {name: Person(oid=name, name=name, roles=("DataScientist",)) for name in ("ada", "grace")}
    vars(app.clients).update(identities=NamedPeople(people))
    app.land(CHECK["path"])

    answers = [
        await ask(app, "POST", "data-checks", CHECK, KEY | {"Authorization": f"Bearer {name}"}) for name in people
    ]

    assert [status for status, _, _ in answers] == [202, 202]
    assert len(instances(app)) == 2


async def test_two_at_once_with_one_key_are_one_start(app: InferenceApp) -> None:
    app.land(CHECK["path"])

    answers = await asyncio.gather(*(ask(app, "POST", "data-checks", CHECK, KEY) for _ in range(6)))
    await app.host.settle()

    assert {status for status, _, _ in answers} == {202}
    assert instances(app) == [answers[0][2]["id"]]
    assert len({body["id"] for _, _, body in answers}) == 1


async def test_two_at_once_with_one_key_may_ask_for_the_next_attempt(app: InferenceApp) -> None:
    """Where only a fresh instance will do, a second caller with the same key is no clash."""
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    why = {"reason": "again"}

    answers = await asyncio.gather(*(ask(app, "POST", f"runs/{run}/reprocess", why, KEY) for _ in range(4)))
    await app.finish(answers[0][2]["id"])
    late, _, same = await ask(app, "POST", f"runs/{run}/reprocess", why, KEY)
    other, _, _ = await ask(app, "POST", f"runs/{run}/reprocess", why, {"Idempotency-Key": "another"})

    assert [status for status, _, _ in answers] == [202] * 4
    assert (late, same) == (202, answers[0][2])
    assert other == 409
    assert len(app.jobs.created) == 2


async def test_what_is_refused_leaves_the_key_free(app: InferenceApp) -> None:
    missing, _, _ = await ask(app, "POST", "data-checks", CHECK, KEY)
    app.land(CHECK["path"])
    there, _, _ = await ask(app, "POST", "data-checks", CHECK, KEY)

    assert (missing, there) == (404, 202)


class LosesAnswers(MemoryHub):
    """Writes the first record of a key, and fails before it says so."""

    lost = False

    def create(self, container: str, path: str, data: bytes, metadata: Mapping[str, str] | None = None) -> bool:
        made = super().create(container, path, data, metadata)
        if path.startswith("idempotency/") and not self.lost:
            self.lost = True
            raise Transient("the connection was lost")
        return made


async def test_what_was_recorded_and_not_started_starts_at_the_next_request(app: InferenceApp) -> None:
    hub = LosesAnswers(app.clients.clock.now)
    vars(app.clients).update(hub=hub)
    hub.land(CHECK["path"], b"id,x\n1,2\n")

    lost, _, _ = await ask(app, "POST", "data-checks", CHECK, KEY)
    nothing = instances(app)
    status, _, accepted = await ask(app, "POST", "data-checks", CHECK, KEY)

    assert (lost, nothing, status) == (503, [], 202)
    assert instances(app) == [accepted["id"]]


async def test_a_run_that_starts_at_the_next_request_is_on_the_list_of_open_ones_too(app: InferenceApp) -> None:
    hub = LosesAnswers(app.clients.clock.now)
    vars(app.clients).update(hub=hub)
    hub.land(SCORE["paths"][0], b"id,x\n1,2\n")

    lost, _, _ = await ask(app, "POST", "runs", SCORE, KEY)
    status, _, accepted = await ask(app, "POST", "runs", SCORE, KEY)

    assert (lost, status) == (503, 202)
    assert hub.writes[f"signalbox/{paths.open_run(accepted['id'])}"] == 1


async def test_a_key_is_remembered_over_a_restart_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock()
    made = FakeClients(CONFIGURATION, clock.now)
    answers = []
    for _ in range(2):
        async with hosted(made, clock, tmp_path, monkeypatch) as host:
            app = InferenceApp(host=host, clients=made)
            if not answers:
                app.land(CHECK["path"])
            answers.append(await ask(app, "POST", "data-checks", CHECK, KEY))
            await host.settle()
            started = instances(app)

    assert answers[0][2] == answers[1][2]
    assert started == [answers[0][2]["id"]]


async def test_named_files_are_scored_as_one_batch_once(app: InferenceApp) -> None:
    files = ["landing/each/north/a.csv", "landing/each/north/b.csv"]
    for path in files:
        app.land(path)

    body = {"paths": files, "route": "each", "reason": "the ward asks"}
    first = await ask(app, "POST", "runs", body)
    again = await ask(app, "POST", "runs", body)
    result = await app.finish(first[2]["id"])

    assert (first[0], first[2]) == (202, again[2])
    assert result.outcome == "completed"
    assert list(app.jobs.created.values()) == [1]
    assert app.record(first[2]["id"])["inference"]["asked_by"] == "operator"


async def test_one_named_file_is_the_run_that_its_arrival_would_have_started(app: InferenceApp) -> None:
    blob = app.land("landing/each/north/a.csv")

    _, _, accepted = await ask(app, "POST", "runs", SCORE)
    await app.tell(blob)
    await app.finish(accepted["id"])

    assert accepted["id"] == app.run_of(blob)
    assert list(app.jobs.created.values()) == [1]


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"route": "nowhere"}, 404, "'route'"),
        ({"paths": ["landing/each/north/none.csv"]}, 404, "is not in the hub"),
        ({"paths": ["landing/window/north/a.csv"]}, 422, "is not taken by route each"),
        ({"paths": ["landing/each/../a.csv"]}, 400, "paths[0]"),
        ({"paths": []}, 400, "a list of 1 to 1000"),
        ({"paths": ["landing/each/north/a.csv"] * 2}, 400, "give each entry once"),
        ({"reason": " "}, 400, "'reason'"),
        ({"priority": 1}, 400, "'priority' is not known here"),
    ],
)
async def test_what_cannot_be_scored_is_refused_by_name_and_starts_nothing(
    app: InferenceApp, changes: dict[str, Any], status: int, said: str
) -> None:
    app.land("landing/each/north/a.csv")

    answered, _, refused = await ask(app, "POST", "runs", SCORE | changes)

    assert (answered, said in refused["detail"]) == (status, True), refused
    assert instances(app) == []
