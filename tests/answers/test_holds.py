"""Collected answers that break the output contract are held, by part; a release or a mended contract publishes them."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.answers import publishing
from shared.adapters.hub_files.data_checks import HubDataChecks
from shared.domain.failures import Transient
from shared.records.inference import GivenOrder
from shared.records.production.answers import HELD_PARTS, HeldPart, held_path, release_path
from tests.answers.test_publishing import DEPLOYMENT, HOUR, RULE, AnswersApp, sent

CONTRACT = """\
format: csv
csv: {{delimiter: " ", header: false}}
columns:
  - {{name: risk, type: number, min: 0, max: {most}, field: -1}}
"""


def held_app(home: Path) -> AnswersApp:
    """An app whose outputs must lie between 0 and 1, by a contract in *home*."""
    app = AnswersApp(home)
    mended(home, most=1)
    rule = replace(RULE, output_contract="outputs.yaml")
    configuration = replace(app.clients.configuration, answers=(rule,), drift=())
    checks = HubDataChecks(app.clients.hub, home)
    vars(app.clients).update(configuration=configuration, data_checks=checks)
    return app


@pytest.fixture
def app(tmp_path: Path) -> AnswersApp:
    return held_app(tmp_path)


def mended(home: Path, most: int) -> None:
    (home / "outputs.yaml").write_text(CONTRACT.format(most=most))


def held(app: AnswersApp) -> list[HeldPart]:
    holds = (app.clients.store.get(HeldPart, blob.path) for blob in app.clients.store.blobs(HELD_PARTS))
    return [hold for hold in holds if hold is not None]


async def test_bad_outputs_hold_the_part_and_say_why_where_people_look(app: AnswersApp) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2), (3, 4)), [0.5, 7])
    swept = await app.look()
    await app.look()
    (hold,) = held(app)

    assert app.files() == {}
    assert hold.because == ("max: column risk: 1 value is above the maximum (outputs.csv row 2)",)
    assert app.clients.hub.find(*hold.outputs.split("/", 1)) is not None
    assert f"`signalbox answers release {hold.part} --reason WHY`" in swept.failed[0]
    assert app.clients.announcer.kinds == ["Signalbox.Answers.Held"]  # type: ignore[attr-defined]


async def test_a_released_part_is_published_by_the_next_sweep(app: AnswersApp) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [7])
    await app.look()
    (hold,) = held(app)
    order = GivenOrder(by="dora@example.org", reason="a known outlier")
    app.clients.store.create(release_path(hold.part), order)
    await app.look()

    assert app.manifests[0]["output_check"]["outcome"] == "released"
    assert app.manifests[0]["output_check"]["released_by"] == "dora@example.org"
    assert app.lines("outputs.csv") == [f"r1 0 {HOUR}:30:00Z 7"]
    assert held(app) == []
    assert app.files("signalbox-staging") == {}


async def test_a_part_is_published_however_late_it_is_released_and_so_is_what_waits_behind_it(app: AnswersApp) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [7])
    await app.look()
    app.collector.exchange(DEPLOYMENT, HOUR, "r2", sent((1, 2)), [0.5])
    app.now += timedelta(days=13)
    await app.look()
    assert app.files() == {}
    app.clients.store.create(release_path(held(app)[0].part), GivenOrder(by="dora@example.org", reason="an outlier"))
    await app.look()

    assert [line.split()[0] for line in app.lines("outputs.csv")] == ["r1", "r2"]


async def test_no_hold_stays_where_the_host_died_after_the_part_was_published(
    app: AnswersApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(clients: Any, part: Any) -> None:
        raise Transient("the host is gone")

    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [7])
    await app.look()
    order = GivenOrder(by="dora@example.org", reason="a known outlier")
    app.clients.store.create(release_path(held(app)[0].part), order)
    with monkeypatch.context() as death:
        death.setattr(publishing, "forget_hold", die)
        with pytest.raises(Transient, match="the host is gone"):
            await app.look()
    published, holds = len(app.manifests), len(held(app))
    await app.look()

    assert (published, holds) == (1, 1)
    assert held(app) == []
    assert app.files("signalbox-staging") == {}


async def test_a_mended_contract_publishes_it_within_the_hour(app: AnswersApp, tmp_path: Path) -> None:
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [7])
    await app.look()
    mended(tmp_path, most=100)
    await app.look()
    early = app.files()
    app.now += timedelta(minutes=61)
    await app.look()

    assert early == {}
    assert app.manifests[0]["output_check"]["outcome"] == "passed"


async def test_a_held_part_keeps_no_other_deployment_waiting(app: AnswersApp) -> None:
    other = "v1-good"
    place: dict[str, Any] = app.cloud.state["deployments"]
    place.update({key.replace(DEPLOYMENT, other): model for key, model in list(place.items())})
    app.collector.exchange(DEPLOYMENT, HOUR, "r1", sent((1, 2)), [7])
    app.collector.exchange(other, HOUR, "r2", sent((1, 2)), [0.5])
    await app.look()

    assert [manifest["served_by"]["deployment"] for manifest in app.manifests] == [other]
    assert held_path(held(app)[0].part) == f"{HELD_PARTS}{held(app)[0].part}.json"
