"""The emulators against the unmodified Azure SDK clients: shapes, conditions, refusals and faults."""

import pytest
import requests
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient
from azure.identity import ManagedIdentityCredential

from shared.adapters.azure_ml.arm import Arm
from shared.adapters.azure_ml.invocations import BatchInvocations
from shared.adapters.azure_ml.jobs import AzureMlJobs
from shared.adapters.azure_storage.hub import BlobHub
from shared.domain.failures import Refused, Transient
from shared.domain.inference.routes import Overrides, Scoring, Workspace
from shared.ports import BatchJob
from signalbox.launcher.endpoints import RESOURCE_GROUP, SUBSCRIPTION, WORKSPACE
from signalbox.launcher.hub import LocalIdentity, hub_client
from tests.onemachine.world import World

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

SCORING = Scoring(
    workspace=Workspace(name="dev", subscription=SUBSCRIPTION, resource_group=RESOURCE_GROUP, workspace=WORKSPACE),
    endpoint="diabetes-batch",
    deployment="blue",
    model="diabetes-progression",
    version="1",
)


@pytest.fixture
def trusting(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The environment that a process of the local cloud has."""
    for name, value in world.cloud.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    return world


@pytest.fixture
def jobs(trusting: World) -> AzureMlJobs:
    return jobs_client(trusting, f"localhost:{trusting.cloud.endpoints.azureml}")


def jobs_client(world: World, host: str) -> AzureMlJobs:
    """The app's own client, for which *host* alone may get a scoring token."""
    ends = world.cloud.endpoints
    identity = LocalIdentity(ends)
    arm = Arm(identity, ends.resource_manager)
    return AzureMlJobs(arm, BatchInvocations(arm, identity, "https://ml.azure.com", (host,)))


def a_job(name: str, **overrides: int) -> BatchJob:
    return BatchJob(
        name=name,
        scoring=SCORING,
        datastore="hub_staging",
        input_path=f"tests/{name}/input",
        output_path=f"tests/{name}/output",
        overrides=Overrides(**overrides),
    )


def stage_input(world: World, name: str, data: bytes = b"") -> None:
    text = "\n".join(world.rows[:3]).encode() + b"\n"
    with hub_client(world.cloud.endpoints) as hub:
        hub.get_blob_client("signalbox-staging", f"tests/{name}/input/a.csv").upload_blob(data or text, overwrite=True)


def status_of(jobs: AzureMlJobs, job: str) -> str:
    status = jobs.look(SCORING, job).status
    return status if status in ("Completed", "Failed", "Canceled") else ""


def test_the_real_managed_identity_client_gets_a_token_that_opens_the_hub(trusting: World) -> None:
    token = ManagedIdentityCredential().get_token("https://storage.azure.com/.default")

    answer = requests.get(
        f"{trusting.cloud.endpoints.hub}?comp=list",
        headers={"Authorization": f"Bearer {token.token}", "x-ms-version": "2021-12-02"},
        verify=str(trusting.cloud.endpoints.ca),
        timeout=10,
    )
    assert answer.status_code == 200


def test_a_write_becomes_an_event_in_the_documented_shape(world: World) -> None:
    place = "landing/elsewhere/shape.bin"
    container, _, path = place.partition("/")
    with hub_client(world.cloud.endpoints) as hub:
        written = hub.get_blob_client(container, path).upload_blob(b"12345", overwrite=True)
    event_id = world.event_of(place)

    event = next(row["event"] for row in world.control("/_events?topic=hub") if row["event"]["id"] == event_id)
    assert event["eventType"] == "Microsoft.Storage.BlobCreated"
    assert event["topic"].endswith("/storageAccounts/datahub")
    assert (event["data"]["api"], event["data"]["contentLength"]) == ("PutBlob", 5)
    assert event["data"]["eTag"] == written["etag"].strip('"')
    assert len(event["data"]["sequencer"]) == 48


def test_the_hub_keeps_its_conditions_over_the_wire(world: World) -> None:
    with hub_client(world.cloud.endpoints) as client:
        hub = BlobHub(client)
        assert hub.create("signalbox", "tests/once.json", b"1", {"a": "b"})
        assert not hub.create("signalbox", "tests/once.json", b"2")
        first = hub.find("signalbox", "tests/once.json")
        assert first is not None
        assert hub.replace("signalbox", "tests/once.json", b"3", first.etag)
        assert not hub.replace("signalbox", "tests/once.json", b"4", first.etag)
        assert not hub.copy(first, "signalbox", "tests/copy.json", {})
        now = hub.find("signalbox", "tests/once.json")
        assert now is not None
        assert hub.copy(now, "signalbox", "tests/copy.json", {"signalbox_run": "r"})
        assert hub.read("signalbox", "tests/copy.json") == b"3"
        assert not hub.delete("signalbox", "tests/once.json", first.etag)
        assert hub.delete("signalbox", "tests/once.json", now.etag)
        for line in (b"one", b"two"):
            hub.append("signalbox", "tests/log.jsonl", line)
        assert hub.read("signalbox", "tests/log.jsonl") == b"one\ntwo\n"


def test_a_range_reader_refuses_a_blob_that_changed(world: World) -> None:
    with hub_client(world.cloud.endpoints) as client:
        hub = BlobHub(client)
        blob = client.get_blob_client("signalbox", "tests/changing.bin")
        blob.upload_blob(b"x" * 100, overwrite=True)
        seen = hub.find("signalbox", "tests/changing.bin")
        assert seen is not None
        blob.upload_blob(b"y" * 100, overwrite=True)
        with pytest.raises(Refused), hub.open(seen) as stream:
            stream.read()


def test_the_topic_refuses_strangers_and_counts_a_repeated_event_once(trusting: World) -> None:
    ends = trusting.cloud.endpoints
    client = EventGridPublisherClient(ends.topic, LocalIdentity(ends))
    event = CloudEvent(source="/tests", type="Test.Happened", data={}, id="test-event-1")
    for _ in range(2):
        client.send(event)

    assert trusting.control("/_effects")["events"]["test-event-1"] == 2
    found = trusting.control("/_events?topic=signalbox&type=Test.Happened")
    assert [row["event"]["id"] for row in found] == ["test-event-1"]
    stranger = requests.post(
        ends.topic, json=[], headers={"Authorization": "Bearer no"}, verify=str(ends.ca), timeout=10
    )
    assert stranger.status_code == 401


def test_a_job_is_created_once_by_name_and_really_scores(trusting: World, jobs: AzureMlJobs) -> None:
    stage_input(trusting, "scores")
    first, again = jobs.submit(a_job("scores")), jobs.submit(a_job("scores"))

    assert first.id == again.id
    assert trusting.eventually(lambda: status_of(jobs, first.id)) == "Completed"
    assert trusting.control("/_effects")["jobs"]["scores"] == 1
    with hub_client(trusting.cloud.endpoints) as hub:
        lines = (
            hub.get_blob_client("signalbox-staging", "tests/scores/output/predictions.csv").download_blob().readall()
        )
    assert len(lines.splitlines()) == 2


def test_an_answer_cut_off_after_the_effect_leaves_one_job(trusting: World, jobs: AzureMlJobs) -> None:
    stage_input(trusting, "cut")
    fault(trusting, {"cut_after_effect": 1})
    with pytest.raises(Transient):
        jobs.submit(a_job("cut"))

    assert jobs.submit(a_job("cut")).name == "cut"
    assert trusting.control("/_effects")["jobs"]["cut"] == 1


@pytest.mark.parametrize(("status", "failure"), [(503, Transient), (429, Transient), (403, Refused)])
def test_a_refused_submission_is_told_apart(trusting: World, jobs: AzureMlJobs, status: int, failure: type) -> None:
    fault(trusting, {"requests": [{"match": "/batch/", "times": 1, "status": status}]})
    with pytest.raises(failure):
        jobs.submit(a_job(f"refused-{status}"))


def test_failed_files_past_the_threshold_fail_the_job_and_below_it_do_not(trusting: World, jobs: AzureMlJobs) -> None:
    for name, threshold in (("strict", 0), ("lenient", 1)):
        stage_input(trusting, name, b"no,such,columns\n1,2,3\n")
        jobs.submit(a_job(name, error_threshold=threshold, retries=0))

    found = {name: jobs.find(SCORING, name) for name in ("strict", "lenient")}
    ended = {name: trusting.eventually(lambda id=job.id: status_of(jobs, id)) for name, job in found.items() if job}
    assert ended == {"strict": "Failed", "lenient": "Completed"}


def test_a_hanging_job_can_be_cancelled(trusting: World, jobs: AzureMlJobs) -> None:
    stage_input(trusting, "hangs")
    fault(trusting, {"jobs": [{"match": "hangs", "mode": "hang"}]})
    job = jobs.submit(a_job("hangs"))
    jobs.cancel(SCORING.workspace, job.id)

    assert trusting.eventually(lambda: status_of(jobs, job.id)) == "Canceled"
    jobs.cancel(SCORING.workspace, job.id)


def test_a_scoring_token_goes_to_no_host_that_is_not_allowed(trusting: World) -> None:
    strict = jobs_client(trusting, "*.inference.ml.azure.com")

    with pytest.raises(Refused, match="AZURE_ML_INFERENCE_HOSTS"):
        strict.submit(a_job("stray"))


def test_storage_refuses_what_storage_refuses(world: World) -> None:
    with hub_client(world.cloud.endpoints) as hub:
        blob = hub.get_blob_client("signalbox", "tests/conditions.txt")
        blob.upload_blob(b"1", overwrite=True)
        with pytest.raises(ResourceExistsError):
            blob.upload_blob(b"2")
        with pytest.raises(HttpResponseError):
            blob.upload_blob(b"2", overwrite=True, etag='"0x1"', match_condition=MatchConditions.IfNotModified)
    anonymous = requests.get(
        f"{world.cloud.endpoints.hub}/signalbox/tests/conditions.txt", verify=str(world.cloud.endpoints.ca), timeout=10
    )
    assert anonymous.status_code in (401, 403, 404, 409)


def fault(world: World, faults: dict[str, object]) -> None:
    ends = world.cloud.endpoints
    requests.post(f"{ends.resource_manager}/_faults", json=faults, verify=str(ends.ca), timeout=10).raise_for_status()
