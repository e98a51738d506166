"""The data collector's files in a workspace's own blob storage: counted into bins, and read line by line."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.adapters.azure_ml.arm import Arm
from shared.adapters.azure_ml.datastores import Datastores
from shared.adapters.azure_monitor.collected_counts import CollectedCounts
from shared.adapters.azure_monitor.collected_files import CollectorFiles
from shared.adapters.azure_monitor.collected_outputs import CollectedOutputs
from shared.clients import Clients
from shared.domain.answers.parts import CollectedFile, FileRange
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.rollout.policy import CountSource
from shared.ports import DeploymentMinute, OutputBins, OutputMinute, ServedEndpoint
from shared.settings import read_settings
from signalbox.launcher.endpoints import WORKSPACES
from signalbox.launcher.hub import LocalIdentity
from tests.emulators.conftest import Ml
from tests.emulators.services import storage

PREPROD = next(place for place in WORKSPACES if place.name == "mlw-preprod")
WORKSPACE = Workspace(
    name="preprod", subscription=PREPROD.subscription, resource_group=PREPROD.resource_group, workspace=PREPROD.name
)
FIRST = 29_500_060  # 2026-02-02T03:40Z
DAY = date(2026, 2, 2)
SCORES = OutputBins(edges=(0.5, 1.0), field="score")


def event(minute: int, data: Any, **more: Any) -> str:
    moment = datetime.fromtimestamp((FIRST + minute) * 60 + 30, UTC).strftime("%Y-%m-%dT%H:%M:%S.1234567Z")
    return json.dumps({"specversion": "1.0", "time": moment, "data": data, **more})


def collect(
    ml: Ml, endpoint: str, name: str, lines: Sequence[str], deployment: str = "v1", collection: str = "model_outputs"
) -> None:
    path = f"modelDataCollector/{endpoint}/{deployment}/{collection}/2026/02/02/{name}.jsonl"
    with storage(ml.endpoints, PREPROD.account) as service:
        service.get_blob_client("azureml-blobstore", path).upload_blob("\n".join(lines).encode())


def adapter(ml: Ml) -> CollectedOutputs:
    identity = LocalIdentity(ml.endpoints)
    address = ml.endpoints.account("{account}")
    return CollectedOutputs(Datastores(Arm(identity, ml.endpoints.resource_manager), identity, address))


def served(endpoint: str) -> ServedEndpoint:
    return ServedEndpoint(workspace=WORKSPACE, endpoint=endpoint)


def outputs(ml: Ml, endpoint: str, bins: OutputBins = SCORES, last: int = 9) -> list[OutputMinute]:
    return list(adapter(ml).outputs(served(endpoint), FIRST, FIRST + last, bins))


@pytest.fixture
def collected(ml: Ml, monkeypatch: pytest.MonkeyPatch) -> Ml:
    for name, value in ml.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    return ml


def test_outputs_fall_in_bins_by_deployment_and_minute(collected: Ml) -> None:
    collect(
        collected, "bins", "03/a", [event(0, [{"score": 0.1}, {"score": 0.5}, {"score": 7}]), event(1, [{"score": 2}])]
    )
    collect(collected, "bins", "03/b", [event(0, [{"score": 0.2}]), ""])
    collect(collected, "bins", "04/a", [event(0, [{"score": 0.3}]), event(40, [{"score": 1}])], "v2")

    assert outputs(collected, "bins") == [
        OutputMinute(deployment="v1", minute=FIRST, bins=(2, 1, 1)),
        OutputMinute(deployment="v1", minute=FIRST + 1, bins=(0, 0, 1)),
        OutputMinute(deployment="v2", minute=FIRST, bins=(1, 0, 0)),  # It came late, in the file of the next hour.
    ]


def test_what_is_in_no_bin_is_told_and_what_is_no_event_counts_nowhere(collected: Ml) -> None:
    odd_rows = [{"score": None}, {"score": "high"}, {"score": float("nan")}, {"score": True}, {}, {"score": 0.7}]
    lines = ["{", "[]", '{"time": "soon"}', event(0, odd_rows), event(0, "https://a/b", datainblob="true")]
    collect(collected, "odd", "03/a", [*lines, '{"specversion": "1.0", "time": "2026-02-02T03:40:'])

    assert outputs(collected, "odd") == [OutputMinute(deployment="v1", minute=FIRST, bins=(0, 1, 0), unread=6)]


def test_classes_have_a_bin_each_and_one_for_the_others(collected: Ml) -> None:
    collect(collected, "classes", "whole-day", [event(2, [{"label": name} for name in ("cat", "dog", "cat", "eel")])])
    bins = OutputBins(classes=("cat", "dog"), field="label")

    assert outputs(collected, "classes", bins) == [OutputMinute(deployment="v1", minute=FIRST + 2, bins=(2, 1, 1))]


def test_a_line_is_one_unit_where_the_rows_of_a_request_are_none(collected: Ml) -> None:
    lines = [event(0, [{"score": 0.1}, {"score": 7}]), event(0, [{"score": 2}])]
    collect(collected, "units", "03/a", lines)
    bins = replace(SCORES, first_only=True)

    assert outputs(collected, "units", bins) == [OutputMinute(deployment="v1", minute=FIRST, bins=(1, 0, 1))]


def test_collected_requests_come_back_as_they_were_sent(collected: Ml) -> None:
    lines = [
        event(0, {"input_data": [1]}),
        "{",
        event(1, "https://a/b", datainblob="true"),
        event(40, [2]),
        event(2, [3]),
    ]
    collect(collected, "requests", "03/a", lines, "v1", "request")
    requests = adapter(collected).requests(served("requests"), "v1", FIRST, FIRST + 9)

    assert [json.loads(body) for body in requests] == [{"input_data": [1]}, [3]]


def test_nothing_collected_is_no_minute(collected: Ml) -> None:
    assert outputs(collected, "silent") == []


def test_the_apps_own_clients_may_read_all_figures_of_the_local_cloud(collected: Ml) -> None:
    clients = Clients(read_settings(collected.endpoints.environment()))
    endpoint = served("nothing-yet")

    assert list(clients.traffic_metrics.minutes(endpoint, FIRST, FIRST + 5)) == []
    assert list(clients.traffic_log.minutes(endpoint, FIRST, FIRST + 5, 100.0)) == []
    assert list(clients.output_figures.outputs(endpoint, FIRST, FIRST + 5, SCORES)) == []
    assert clients.alerts.firing(endpoint) == ()


def collector(ml: Ml) -> CollectorFiles:
    identity = LocalIdentity(ml.endpoints)
    return CollectorFiles(
        Datastores(Arm(identity, ml.endpoints.resource_manager), identity, ml.endpoints.account("{account}"))
    )


def files(ml: Ml, endpoint: str) -> list[CollectedFile]:
    return list(collector(ml).files(served(endpoint), "v1", DAY, ("request", "response")))


def test_files_are_listed_with_the_period_that_their_folder_says(collected: Ml) -> None:
    for name, collection in (
        ("03/a", "request"),
        ("03/59/b", "response"),
        ("whole-day", "request"),
        ("x/y", "request"),
    ):
        collect(collected, "listed", name, [event(0, [1])], collection=collection)
    collect(collected, "listed", "03/a", [event(0, [1])], collection="model_outputs")

    assert collector(collected).deployments(served("listed")) == ["v1"]
    assert [(file.collection, file.period) for file in files(collected, "listed")] == [
        ("request", "2026-02-02T03"),
        ("request", "2026-02-02"),
        ("response", "2026-02-02T03"),
    ]


def test_a_file_that_has_grown_is_read_from_where_it_was_left(collected: Ml) -> None:
    first, second = event(0, [1], xrequestid="r1") + "\n", event(1, [2], xrequestid="r2") + "\n"
    path = "modelDataCollector/grown/v1/request/2026/02/02/03/a.jsonl"
    with storage(collected.endpoints, PREPROD.account) as service:
        blob = service.get_blob_client("azureml-blobstore", path)
        blob.create_append_blob()
        for line in (first, second):
            blob.append_block(line.encode())
    (file,) = files(collected, "grown")
    assert file.size == len(first) + len(second)
    piece = FileRange(path=file.path, collection=file.collection, start=len(first), end=file.size)
    (line,) = collector(collected).lines(served("grown"), piece)

    assert (line.request, line.data, line.start, line.end) == ("r2", [2], len(first), file.size)


def test_a_file_that_is_gone_or_shorter_is_refused(collected: Ml) -> None:
    collect(collected, "gone", "03/a", [event(0, [1])], collection="request")
    (file,) = files(collected, "gone")
    lost = FileRange(path=f"{file.path}x", collection="request", start=0, end=file.size)
    beyond = FileRange(path=file.path, collection="request", start=file.size + 10, end=file.size + 20)

    with pytest.raises(Refused, match="was removed before it was published whole"):
        list(collector(collected).lines(served("gone"), lost))
    with pytest.raises(Refused, match="shorter than it was"):
        list(collector(collected).lines(served("gone"), beyond))


def test_nothing_collected_is_no_deployment(collected: Ml) -> None:
    assert collector(collected).deployments(served("silent-answers")) == []


def test_requests_are_counted_with_those_that_have_no_good_answer(collected: Ml) -> None:
    def sent(name: str, minute: int, **more: Any) -> str:
        return event(minute, [1], xrequestid=name, **more)

    requests = [sent("good", 0), sent("lost", 0), sent("text", 1), sent("failed", 1), sent("late", 40), "{"]
    answers = [
        sent("good", 0),
        sent("text", 1, datacontenttype="text/plain"),
        event(1, {"error": "x"}, xrequestid="failed"),
        sent("stranger", 1),
    ]
    collect(collected, "counts", "03/a", requests, collection="request")
    collect(collected, "counts", "03/a", answers, collection="response")
    identity = LocalIdentity(collected.endpoints)
    arm = Arm(identity, collected.endpoints.resource_manager)
    counts = CollectedCounts(Datastores(arm, identity, collected.endpoints.account("{account}")))

    assert list(counts.minutes(served("counts"), FIRST, FIRST + 9)) == [
        DeploymentMinute(deployment="v1", minute=FIRST, requests=2, bad=1),
        DeploymentMinute(deployment="v1", minute=FIRST + 1, requests=2, bad=2),
    ]
    seconds = counts.minutes(served("counts"), FIRST * 6, FIRST * 6 + 11, block_s=10)
    assert [(block.minute, block.requests) for block in seconds] == [(FIRST * 6 + 3, 2), (FIRST * 6 + 9, 2)]
    clients = Clients(read_settings(collected.endpoints.environment()))
    assert list(clients.traffic_figures(CountSource.COLLECTOR).minutes(served("nothing-yet"), FIRST, FIRST)) == []


def test_a_block_is_collected_once_every_instance_has_written_beyond_it_into_every_collection(collected: Ml) -> None:
    long = event(8, "x" * 100_000)
    for deployment, collection, name, lines in (
        ("v1", "request", "03/a", [event(0, [1]), event(9, [1])]),
        ("v1", "request", "03/b", [event(0, [1]), event(7, [1]), "{"]),
        ("v1", "response", "03/a", [event(6, [1]), event(5, [1])]),  # A slow answer comes after newer ones.
        ("v2", "request", "03/c", [event(0, [1]), long]),
        ("v2", "response", "03/c", [event(0, [1])]),
        ("v2", "response", "04/c", [event(4, [1])]),
    ):
        collect(collected, "progress", name, lines, deployment, collection)

    def through(*deployments: str, collections: Sequence[str] = ("request",), block_s: int = 60) -> int:
        span = (FIRST * 60 // block_s, (FIRST + 9) * 60 // block_s)
        read = adapter(collected).collected_through(served("progress"), deployments, collections, span, block_s)
        return read - span[0]

    assert through("v1") == 6
    assert through("v2") == 7
    assert through("v1", collections=("request", "response")) == 5
    assert through("v1", "v2", collections=("request", "response")) == 3
    assert through("v2", block_s=10) == 50  # The line is of the thirtieth second.
    assert through("v1", "v3") == -1
