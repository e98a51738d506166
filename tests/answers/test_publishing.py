"""What an online endpoint answered is published part by part, once, under a manifest; and counted for drift."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from activities.answers import sweeps
from activities.answers.answers_part import AnswersPart
from activities.answers.publishing import publish_part
from shared import contracts as c
from shared.domain.answers import parts
from shared.domain.answers.rule import PublishedAnswers
from shared.domain.configuration import Configuration, ResourceGroup, TeamHub
from shared.domain.failures import Refused, Transient
from shared.domain.rollout.serving import ChangeKind, TrafficChange
from shared.ports import ServedEndpoint
from shared.records.drift import read_window
from shared.records.production.answers import closed_through
from shared.records.production.serving import sign_change
from tests.drift.conftest import MODEL, WATCH, configuration, reference, rows, watched
from tests.fakes.collected import MemoryCollector, event
from tests.fakes.ports import FakeClients
from tests.fakes.promotion import MemoryCloud, MemoryEndpoints
from tests.inference.conftest import WORKSPACE
from tests.outages import Outage

HOUR = "2026-11-29T12"
DEPLOYMENT = "v1-0a1b2c3d"
RULE = PublishedAnswers(
    name="online",
    workspace=WORKSPACE,
    endpoint="scores",
    model="m",
    contract="c",
    publish="predictions/online/{model}/{version}/{date}/{part}",
)


the_reference = cache(reference)  # It takes half a second, and is always the same.


class AnswersApp:
    """The app's clients in memory, a collector, and a clock that the test moves."""

    def __init__(self, home: Path) -> None:
        self.now = datetime(2026, 11, 29, 13, 20, tzinfo=UTC)
        whole: Configuration = replace(configuration(WATCH, retrained=False), answers=(RULE,))
        self.clients = FakeClients(whole, lambda: self.now)
        watched(self.clients, home, the_reference())
        self.cloud, self.collector = MemoryCloud(), MemoryCollector()
        model = "/subscriptions/s/workspaces/w/models/m/versions/1"
        self.cloud.state["deployments"][f"{WORKSPACE.name}/onlineEndpoints/scores/{DEPLOYMENT}"] = model
        vars(self.clients).update(endpoints=MemoryEndpoints(self.cloud), collected_files=self.collector)

    async def look(self) -> c.AnswersPublished:
        return await sweeps.publish_answers(None, self.clients, c.AnswersLook(key="look"))  # type: ignore[arg-type]

    def files(self, container: str = "predictions") -> dict[str, bytes]:
        listed = self.clients.hub.list(container, "")
        return {blob.path: self.clients.hub.read(container, blob.path) or b"" for blob in listed}

    @property
    def manifests(self) -> list[dict[str, Any]]:
        return [json.loads(data) for path, data in sorted(self.files().items()) if path.endswith("_manifest.json")]

    def lines(self, name: str) -> list[str]:
        return [
            line
            for path, data in sorted(self.files().items())
            if path.endswith(name)
            for line in data.decode().splitlines()
        ]

    @property
    def drift_rows(self) -> int:
        window = read_window(self.clients.store, "m", "1")
        return window[0].rows if window else 0


@pytest.fixture
def app(tmp_path: Path) -> AnswersApp:
    return AnswersApp(tmp_path)


def test_deployments_of_the_endpoint_collect_what_is_published(app: AnswersApp) -> None:
    whole = app.clients.configuration

    assert whole.collections(WORKSPACE, "scores") == ("request", "response")
    assert whole.collections(WORKSPACE, "other") == ()


def sent(*cells: Any) -> dict[str, Any]:
    return {"input_data": {"columns": ["x", "y"], "index": [0], "data": [list(row) for row in cells]}}


async def test_rows_and_outputs_are_published_under_a_manifest_that_names_what_answered(app: AnswersApp) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2), (3, 4)), [2.5, 6.5])

    assert await app.look() == c.AnswersPublished(parts=1, is_done=True)
    assert await app.look() == c.AnswersPublished(parts=0, is_done=True)
    (manifest,) = app.manifests
    assert manifest["model"] == {"name": "m", "version": "1"}
    assert manifest["served_by"]["deployment"] == DEPLOYMENT
    assert (manifest["interval"]["from"], manifest["interval"]["until"]) == (
        "2026-11-29T12:00:00+00:00",
        "2026-11-29T13:00:00+00:00",
    )
    assert (manifest["rows"], manifest["lines"]) == (
        {"in": 2, "out": 2},
        {"requests": 1, "answers": 1, "unread": 0},
    )
    assert json.loads(app.lines("inputs.jsonl")[1]) == {
        "_request": "r1",
        "_row": 1,
        "_time": f"{HOUR}:30:00Z",
        "x": 3,
        "y": 4,
    }
    assert app.lines("outputs.csv") == [f"r1 0 {HOUR}:30:00Z 2.5", f"r1 1 {HOUR}:30:00Z 6.5"]
    folder = f"online/m/1/2026-11-29/{manifest['part']}"
    for file in manifest["files"]:
        assert hashlib.sha256(app.files()[f"{folder}/{file['name']}"]).hexdigest() == file["sha256"]
    assert app.clients.announcer.kinds == ["Signalbox.Answers.Published"]  # type: ignore[attr-defined]


async def test_late_lines_come_as_a_later_part_and_nothing_twice(app: AnswersApp) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [1])
    await app.look()
    app.collector.exchange(DEPLOYMENT, HOUR, "r2", sent((3, 4)), [2])
    app.now += timedelta(hours=3)
    await app.look()

    assert [manifest["number"] for manifest in app.manifests] == [1, 2]
    assert [json.loads(line)["_request"] for line in app.lines("inputs.jsonl")] == ["r1", "r2"]


async def test_what_was_collected_while_nobody_looked_is_published_however_late(app: AnswersApp) -> None:
    """Also of a deployment that has collected nothing before, and that is the half of these."""
    days, other = ("2026-11-29", "2026-11-30", "2026-12-05"), "v1-99999999"
    place: dict[str, Any] = app.cloud.state["deployments"]
    place.update({key.replace(DEPLOYMENT, other): model for key, model in list(place.items())})
    app.collector.exchange(DEPLOYMENT, "2026-11-28T12", "before", sent((1, 2)), [1])
    await app.look()
    for day in days:
        app.collector.exchange(DEPLOYMENT, f"{day}T12", day, sent((1, 2)), [1])
        app.collector.exchange(other, f"{day}T12", day, sent((1, 2)), [1])
    app.now += timedelta(days=20)
    while not (await app.look()).is_done:
        pass

    requests = [json.loads(line)["_request"] for line in app.lines("inputs.jsonl")]
    assert sorted(requests) == sorted((*days, *days, "before"))
    assert app.drift_rows == len(requests)


async def test_a_day_is_closed_once_its_late_lines_had_their_time(app: AnswersApp) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [1])
    await app.look()
    app.now += timedelta(days=2)
    await app.look()
    assert closed_through(app.clients.store, RULE, DEPLOYMENT) == date(2026, 11, 28)
    app.collector.exchange(DEPLOYMENT, HOUR, "r2", sent((1, 2)), [1])
    app.now += timedelta(days=1)
    await app.look()
    assert closed_through(app.clients.store, RULE, DEPLOYMENT) == date(2026, 11, 29)
    app.collector.exchange(DEPLOYMENT, HOUR, "r3", sent((1, 2)), [1])
    await app.look()

    assert [json.loads(line)["_request"] for line in app.lines("inputs.jsonl")] == ["r1", "r2"]


async def test_what_cannot_be_read_is_kept_with_its_reason(app: AnswersApp) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), {"error": "no"})
    app.collector.append(DEPLOYMENT, "request", HOUR, "{\n")
    app.collector.append(DEPLOYMENT, "request", HOUR, event(HOUR, "r2", "https://a/b", datainblob="true") + "\n")
    await app.look()

    (manifest,) = app.manifests
    assert (manifest["rows"], manifest["lines"]["unread"]) == ({"in": 1, "out": 0}, 3)
    container, _, path = manifest["unread"]["path"].partition("/")
    kept = [json.loads(line) for line in app.files(container)[path].splitlines()]
    reasons = " ".join(sorted(line["because"] for line in kept))
    assert "no JSON" in reasons
    assert "too large" in reasons
    assert "has no outputs" in reasons
    assert next(line for line in kept if "no JSON" in line["because"])["content"] == "{"


async def test_a_line_without_an_end_waits_for_it_or_is_kept_as_unread(app: AnswersApp) -> None:
    app.collector.append(DEPLOYMENT, "request", HOUR, event(HOUR, "r1", sent((1, 2))) + "\n" + '{"time": "2026')
    await app.look()
    assert app.manifests[0]["lines"] == {"requests": 1, "answers": 0, "unread": 0}

    app.now += timedelta(days=1)
    await app.look()
    assert [manifest["lines"]["unread"] for manifest in app.manifests] == [0, 1]
    assert (await app.look()).parts == 0


async def test_long_files_are_published_in_bounded_parts(app: AnswersApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_BYTES", 1000)
    for number in range(40):
        app.collector.exchange(DEPLOYMENT, HOUR, f"r{number:02}", sent((number, 1)), [number])
    while not (await app.look()).is_done:
        pass

    assert len(app.manifests) > 4
    assert [json.loads(line)["x"] for line in app.lines("inputs.jsonl")] == list(range(40))
    assert len(app.lines("outputs.csv")) == 40


@pytest.mark.parametrize(
    ("client", "call", "nth"),
    [
        ("hub", "create", 1),
        ("hub", "create", 2),
        ("hub", "create", 3),
        ("hub", "create", 4),
        ("hub", "create", 5),
        ("hub", "replace", 1),
        ("announcer", "announce", 1),
        ("drift_files", "count", 1),
        ("ledger", "record", 1),
    ],
)
async def test_a_look_that_dies_at_any_step_is_repeated_without_a_second_copy(
    app: AnswersApp, client: str, call: str, nth: int
) -> None:
    columns = rows(3, 30)
    cells = list(zip(columns["x"].tolist(), columns["y"].tolist(), strict=True))
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent(*cells), [2 * x for x, _ in cells])
    app.collector.append(DEPLOYMENT, "request", HOUR, "{\n")
    numbers = iter(range(1, 100))
    with Outage(getattr(app.clients, client), call, lambda *_, **__: next(numbers) == nth), pytest.raises(Transient):
        await app.look()
    await app.look()

    assert [manifest["rows"] for manifest in app.manifests] == [{"in": 30, "out": 30}]
    assert len(app.lines("inputs.jsonl")) == 30
    assert app.drift_rows == 30
    assert {event_id for event_id, *_ in app.clients.announcer.events} == {app.manifests[0]["part"]}  # type: ignore[attr-defined]
    assert (await app.look()).parts == 0


async def test_drift_is_watched_in_what_was_published(app: AnswersApp) -> None:
    columns = rows(5, 300, x=1.0)
    cells = list(zip(columns["x"].tolist(), columns["y"].tolist(), strict=True))
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent(*cells), {"predictions": [2 * x for x, _ in cells]})
    await app.look()

    window = read_window(app.clients.store, "m", "1")
    assert window is not None
    assert window[0].look_due(WATCH, app.now)
    assert (window[1].rows, window[1].answers) == (300, 300)
    assert window[1].moments["score"].mean == pytest.approx(2 * columns["x"].mean())


async def test_a_model_that_wants_no_answers_counted_has_none(app: AnswersApp) -> None:
    silent = replace(app.clients.configuration, drift=(replace(WATCH, answers=False),))
    vars(app.clients)["configuration"] = silent
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [1])
    await app.look()

    assert (len(app.manifests), app.drift_rows) == (1, 0)


async def test_answers_where_teams_use_hubs_of_their_own_are_published_and_not_counted(app: AnswersApp) -> None:
    """What is asked there is theirs, and drift starts a training, which may ship."""
    group = ResourceGroup(subscription="s", name="g")
    hub = TeamHub(name="lab", account="st", containers=("lab",), environments=(WORKSPACE.name,), group=group)
    vars(app.clients)["configuration"] = replace(app.clients.configuration, hubs=(hub,))
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [1])
    await app.look()

    assert (len(app.manifests), app.drift_rows) == (1, 0)


async def test_what_cannot_be_counted_is_published_and_says_why(app: AnswersApp) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), ["high"])
    await app.look()

    assert len(app.manifests) == 1
    problem = json.loads(app.files("signalbox")["drift/m/1/problem.json"])
    assert "none of its values is a number" in problem["because"]
    assert app.manifests[0]["part"] in problem["because"]


async def test_a_deployment_that_is_gone_is_known_by_the_signed_records_or_by_nobody(app: AnswersApp) -> None:
    app.cloud.state["deployments"].clear()
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [1])
    app.collector.exchange("v2-11111111", HOUR, "r2", sent((1, 2)), [1])
    change = TrafficChange(
        kind=ChangeKind.SHIFT,
        environment=WORKSPACE.name,
        endpoint="scores",
        at=app.now,
        traffic={DEPLOYMENT: 100},
        versions={DEPLOYMENT: "m:1"},
    )
    sign_change(app.clients.statements, "shift", change)
    look = await app.look()

    assert [manifest["served_by"]["deployment"] for manifest in app.manifests] == [DEPLOYMENT]
    assert "nobody knows which version deployment v2-11111111 ran" in look.failed[0]
    assert "v2-11111111" in app.files("signalbox")["sweeps/answers.json"].decode()
    app.now += timedelta(days=4)
    assert (await app.look()).failed == ()


async def test_a_file_that_is_removed_is_named_in_its_part_and_keeps_nothing_waiting(app: AnswersApp) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [1])
    with Outage(app.clients.hub, "create", lambda container, *_: container == "predictions"), pytest.raises(Transient):
        await app.look()
    app.collector.remove(DEPLOYMENT)
    app.collector.append(DEPLOYMENT, "other", HOUR, "")

    app.collector.exchange(DEPLOYMENT, "2026-11-29T13", "r2", sent((1, 2)), [1])
    app.now += timedelta(hours=1)
    await app.look()

    lost, published = app.manifests
    assert (lost["rows"], lost["lines"]["unread"]) == ({"in": 0, "out": 0}, 2)
    container, _, path = lost["unread"]["path"].partition("/")
    kept = [json.loads(line) for line in app.files(container)[path].splitlines()]
    assert {line["because"].partition(" was ")[2] for line in kept} == {"removed before it was published whole"}
    assert published["rows"] == {"in": 1, "out": 1}


async def test_a_file_that_may_not_be_read_is_published_once_it_may(
    app: AnswersApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [1])

    def refuse(*_: object) -> Any:
        raise Refused("read the file: 403 this identity has no role")

    with monkeypatch.context() as without_role:
        without_role.setattr(app.collector, "lines", refuse)
        look = await app.look()
    assert ("403" in look.failed[0], app.manifests) == (True, [])
    await app.look()

    assert [manifest["rows"] for manifest in app.manifests] == [{"in": 1, "out": 1}]


def test_what_lies_in_the_place_of_a_part_is_never_written_over(app: AnswersApp) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [1])
    served = ServedEndpoint(workspace=WORKSPACE, endpoint="scores")
    files = app.collector.files(served, DEPLOYMENT, app.now.date(), ("request", "response"))
    planned = parts.next_part(parts.DayProgress(), list(files), app.now, after_s=900, within_s=7200)
    assert planned is not None
    part = AnswersPart(rule=RULE, deployment=DEPLOYMENT, model=MODEL, planned=planned)
    app.clients.hub.create("predictions", f"{part.folder.partition('/')[2]}/inputs.jsonl", b"theirs")

    with pytest.raises(Refused, match=f"is there, and is not part {part.id}"):
        publish_part(app.clients, part)
