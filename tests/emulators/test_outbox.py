"""A committed write is exactly one event, whenever the emulators are killed: a real process, a real SIGKILL."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient

from tests.amounts import amount
from tests.emulators.services import Wire, control, events_of, eventually, running, storage
from tests.warm_clouds import WarmServices

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("storage-emulator")]

KILLS = amount(2, 4)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmServices]:
    with running(tmp_path_factory.mktemp("state")) as cloud:
        yield cloud


@pytest.fixture
def wire(cloud: WarmServices) -> Iterator[Wire]:
    """The emulators' wire to Azurite, which can be held."""
    cloud.kill_emulators()
    wire = Wire(cloud.endpoints.azurite)
    cloud.changes = {"azurite": f"https://127.0.0.1:{wire.port}"}
    cloud.start_emulators()
    yield wire
    cloud.kill_emulators()
    wire.close()
    cloud.changes = {}
    cloud.start_emulators()


def kill_after_commit(cloud: WarmServices, wire: Wire, act: str) -> None:
    """*act* on landing/x.csv reaches Azurite, whose answer the emulators never see; then they start again."""
    with storage(cloud.endpoints) as client, ThreadPoolExecutor(1) as pool:
        blob = client.get_blob_client("landing", "x.csv")
        blob.exists()  # There is an open connection to Azurite: what is held next is the answer itself.
        wire.hold()
        going = pool.submit(lambda: blob.delete_blob() if act == "delete" else blob.upload_blob(b"new", overwrite=True))
        assert wire.held.wait(20)
        cloud.kill_emulators()
        with pytest.raises(AzureError):
            going.result(20)
    wire.release()
    cloud.start_emulators()


def test_a_kill_between_azurites_commit_and_the_event_loses_neither_event_nor_count(
    cloud: WarmServices, wire: Wire
) -> None:
    ends = cloud.endpoints
    with storage(ends) as client:
        client.get_blob_client("landing", "x.csv").upload_blob(b"first")
    kill_after_commit(cloud, wire, "write")

    with storage(ends) as client:
        there = client.get_blob_client("landing", "x.csv").get_blob_properties()
    first, second = events_of(ends, "landing", "x.csv")
    assert there.size == second["data"]["contentLength"] == 3
    assert second["data"]["eTag"] == there.etag.strip('"') != first["data"]["eTag"]
    assert second["data"]["sequencer"] > first["data"]["sequencer"]
    assert control(ends, "/_effects")["writes"]["landing/x.csv"] == 2

    kill_after_commit(cloud, wire, "delete")
    assert [event["data"]["api"] for event in events_of(ends, "landing", "x.csv")] == [
        "PutBlob",
        "PutBlob",
        "DeleteBlob",
    ]


@pytest.mark.usefixtures("wire")
def test_an_intent_that_never_reached_azurite_is_forgotten(cloud: WarmServices) -> None:
    with storage(cloud.endpoints) as client:
        client.get_blob_client("landing", "y.csv").upload_blob(b"first")
        upload_half(client, cloud)
    cloud.start_emulators()

    assert len(events_of(cloud.endpoints, "landing", "y.csv")) == 1
    assert control(cloud.endpoints, "/_effects")["writes"]["landing/y.csv"] == 1


def upload_half(client: BlobServiceClient, cloud: WarmServices) -> None:
    """An upload of which half has been sent when the emulators are killed."""

    def halves() -> Iterator[bytes]:
        yield b"1" * 1000
        cloud.kill_emulators()
        yield b"2" * 1000

    with pytest.raises(AzureError):
        client.get_blob_client("landing", "y.csv").upload_blob(halves(), length=2000, overwrite=True)


@pytest.mark.long
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # urllib3 drops a socket cut in its hello.
def test_random_kills_under_load_leave_one_event_for_every_write_that_happened(cloud: WarmServices) -> None:
    ends, chance, stop = cloud.endpoints, random.Random(5), threading.Event()
    written: Counter[str] = Counter()

    def write(worker: int) -> None:
        with storage(ends) as client:
            for number in range(10_000):
                if stop.is_set():
                    return
                name = f"storm/{worker}-{number}.csv"
                try:
                    client.get_blob_client("landing", name).upload_blob(b"x", overwrite=True)
                except AzureError:
                    stop.wait(0.1)  # They are on their way up: asking at once, again and again, would hold them up.
                    continue
                written[name] += 1

    with ThreadPoolExecutor(4) as pool:
        going = [pool.submit(write, worker) for worker in range(4)]
        for _ in range(KILLS):
            goal = written.total() + chance.randint(5, 25)
            eventually(lambda goal=goal: written.total() >= goal)
            cloud.kill_emulators()
            cloud.start_emulators()
        stop.set()
        for each in going:
            each.result(30)

    with storage(ends) as client:
        lying = {
            blob.name: blob.etag.strip('"') for blob in client.get_container_client("landing").list_blobs("storm/")
        }
    rows = [row["event"] for row in control(ends, "/_events?topic=hub")]
    told = [event for event in rows if "/blobs/storm/" in event["subject"]]
    assert written.keys() <= lying.keys()
    assert sorted(lying.values()) == sorted(event["data"]["eTag"] for event in told)
    counts = control(ends, "/_effects")["writes"]
    assert {f"landing/{name}": 1 for name in lying} == {
        name: times for name, times in counts.items() if name.startswith("landing/storm/")
    }
    sequencers = [event["data"]["sequencer"] for event in rows]
    assert len(set(sequencers)) == len(sequencers)
