"""Both envelopes, in any case and with any eTag, become the same arrival; what is wrong is said, never thrown about."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.events import BlobArrived, Irrelevant, ModelRegistered, UnreadableEvent
from shared.domain.identity import arrival_id
from shared.domain.inference.arrivals import Arrival
from triggers.events.envelopes import origin_of, read_event

PAYLOADS = Path(__file__).parents[1] / "payloads"
ACCOUNT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/datahub"
SUBJECT = "/blobServices/default/containers/landing/blobs/site/a file.csv"
ARRIVAL = Arrival(account="datahub", container="landing", path="site/a file.csv", etag="0x8D96060BDA19D9D", size=12)


def grid(**changes):
    data = {"api": "PutBlob", "eTag": "0x8D96060BDA19D9D", "contentLength": 12} | changes.pop("data", {})
    return {
        "id": "e1",
        "topic": ACCOUNT,
        "subject": SUBJECT,
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    } | changes


def cloud(version_key="specversion", **changes):
    event = grid(**changes)
    return {
        version_key: "1.0",
        "id": event["id"],
        "source": event["topic"],
        "type": event["eventType"],
        "subject": event["subject"],
        "time": event["eventTime"],
        "data": event["data"],
    }


@pytest.mark.parametrize(
    "raw",
    [
        grid(),
        cloud(),
        cloud("specVersion"),
        {key.upper(): value for key, value in grid().items()},
        grid(data={"eTag": '"0x8D96060BDA19D9D"'}),
        grid(data={"api": "PutBlockList"}),
        grid(data={"api": "CopyBlob"}),
        grid(data={"api": "FlushWithClose", "contentOffset": 0}),
        grid(data={"api": "SftpCommit"}),
    ],
    ids=["grid", "cloud", "mis-cased", "upper", "quoted", "blocks", "copy", "flush", "sftp"],
)
def test_every_committed_write_is_the_same_arrival(raw):
    event = read_event(raw, "datahub")

    assert isinstance(event, BlobArrived)
    assert event.arrival == ARRIVAL


def test_a_rename_into_place_is_an_arrival_whose_etag_is_not_known_yet():
    url = "https://datahub.dfs.core.windows.net/landing/site/a%20file.csv"
    raw = grid(eventType="Microsoft.Storage.BlobRenamed", data={"api": "RenameFile", "destinationUrl": url})

    event = read_event(raw, "datahub")

    assert isinstance(event, BlobArrived)
    assert (event.arrival.location, event.arrival.etag) == ("landing/site/a file.csv", "")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (grid(data={"api": "CreateFile"}), "CreateFile does not commit a file"),
        (grid(eventType="Microsoft.Storage.BlobDeleted"), "starts nothing"),
        (grid(topic=ACCOUNT.replace("datahub", "stranger")), "is not the hub's account datahub"),
    ],
)
def test_what_can_start_nothing_says_why(raw, reason):
    event = read_event(raw, "datahub")

    assert isinstance(event, Irrelevant)
    assert reason in event.reason


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ([], "event is"),
        ({}, "event.eventType or type is missing"),
        (grid(subject=""), "event.subject"),
        (grid(subject="/elsewhere"), "subject is '/elsewhere'"),
        (grid(subject=SUBJECT.replace("site", "..")), "subject is"),
        (grid(subject=SUBJECT.replace("site", "a\\b")), "subject is"),
        (grid(data={"eTag": None}), "data.eTag is missing"),
        (grid() | {"data": "text"}, "data is 'text'"),
        (grid(id=7), "event.id is 7"),
        (grid(data={"eTag": '""'}), "data.eTag is ''"),
        (grid(data={"eTag": "\ud800"}), "data.eTag is"),
        (grid(subject=SUBJECT + "\ud800"), "lone surrogates"),
        (grid(subject=SUBJECT + "\x7f"), "control characters"),
        (grid(subject=SUBJECT.replace("site", ".")), "a segment '.' or '..'"),
        (grid(subject=SUBJECT.replace("landing", "..")), "cannot be a container's name"),
        (grid(subject=SUBJECT + "a" * 1024), "more than 1024 characters"),
    ],
)
def test_what_cannot_be_read_names_the_field(raw, named):
    with pytest.raises(UnreadableEvent) as refused:
        read_event(raw, "datahub")

    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("payload", "etag", "size"),
    [
        ("blob_created.grid", "0x8D4BCC2E4835CD0", 524288),
        ("blob_created.cloud", "0x8D4BCC2E4835CD0", 524288),
        ("blob_created.flush_with_close.grid", "0x8D4BCC2E4835CD0", 524288),
        ("blob_created.sftp_commit.grid", "0x8D4BCC2E4835CD0", 524288),
        ("blob_renamed.grid", "", None),
    ],
)
def test_the_shapes_that_azure_sends_arrive(payload, etag, size):
    event = read_event(json.loads((PAYLOADS / f"{payload}.json").read_text()), "datahub")

    assert isinstance(event, BlobArrived)
    assert event.arrival == Arrival(
        account="datahub", container="landing", path="diabetes/each/north/ward-7.csv", etag=etag, size=size
    )


@pytest.mark.parametrize("payload", ["blob_created.create_file", "blob_deleted", "subscription_validation"])
def test_the_shapes_that_start_nothing_are_told_apart(payload):
    assert isinstance(read_event(json.loads((PAYLOADS / f"{payload}.grid.json").read_text()), "datahub"), Irrelevant)


def test_a_write_of_an_entry_in_a_registry_is_its_registration():
    raw = json.loads((PAYLOADS / "resource_written.registry_model.grid.json").read_text())
    event = read_event(raw, "datahub")

    assert isinstance(event, ModelRegistered)
    assert event.workspace.endswith("/providers/microsoft.machinelearningservices/registries/mlr-central")
    assert str(event.model) == "diabetes-progression:7"
    for other in ("/models/diabetes-progression", "/environments/e/versions/7", "/models/m/versions/7/x"):
        subject = f"{raw['subject'].partition('/models/')[0]}{other}"
        assert isinstance(read_event(raw | {"subject": subject}, "datahub"), Irrelevant), subject


def test_a_key_that_is_there_twice_in_different_case_is_read_where_it_says_something():
    assert isinstance(read_event(grid() | {"SUBJECT": None}, "datahub"), BlobArrived)


def test_a_size_that_makes_no_sense_is_not_known():
    event = read_event(grid(data={"contentLength": -4}), "datahub")

    assert isinstance(event, BlobArrived)
    assert event.arrival.size is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(list(grid())), JSON), st.booleans())
def test_nothing_but_unreadable_is_ever_raised(changes, whole):
    raw = changes if whole else grid() | changes
    try:
        event = read_event(raw, "datahub")
    except UnreadableEvent:
        return
    assert isinstance(event, BlobArrived | Irrelevant)
    if isinstance(event, BlobArrived):
        assert len(arrival_id(event.arrival)) == 32


TEAM = ACCOUNT.replace("datahub", "stwardlab")
ELSEWHERE = {"ward-lab": "stwardlab"}


def inside(container: str) -> str:
    return SUBJECT.replace("landing", container)


def test_a_file_of_a_teams_hub_arrives_in_its_account():
    for raw in (grid(topic=TEAM, subject=inside("ward-lab")), cloud(topic=TEAM, subject=inside("ward-lab"))):
        event = read_event(raw, "datahub", ELSEWHERE)
        assert event.arrival == replace(ARRIVAL, account="stwardlab", container="ward-lab")
    renamed = grid(
        topic=TEAM,
        eventType="Microsoft.Storage.BlobRenamed",
        data={"destinationUrl": "https://stwardlab.blob.core.windows.net/ward-lab/b.csv"},
    )
    assert read_event(renamed, "datahub", ELSEWHERE).arrival.account == "stwardlab"


@pytest.mark.parametrize(
    ("topic", "container", "reason"),
    [
        # A container of the same name in another account has other files: they start nothing of the Data Hub's.
        (TEAM, "landing", "stwardlab is not the account of container landing, which is datahub"),
        (ACCOUNT, "ward-lab", "datahub is not the account of container ward-lab, which is stwardlab"),
        (ACCOUNT.replace("datahub", "stranger"), "ward-lab", "stranger is not the hub's account"),
        (ACCOUNT.replace("Microsoft.Storage", "Ward.Lab"), "landing", "datahub is not the hub's account"),
        (f"{TEAM}/blobServices{ACCOUNT}", "landing", "datahub is not the hub's account"),
    ],
)
def test_an_account_speaks_for_its_own_containers_alone(topic, container, reason):
    renamed = {"eventType": "Microsoft.Storage.BlobRenamed", "data": {"destinationUrl": f"https://x/{container}/b.csv"}}
    for changes in ({}, renamed):
        event = read_event(grid(topic=topic, subject=inside(container), **changes), "datahub", ELSEWHERE)
        assert isinstance(event, Irrelevant)
        assert reason in event.reason


def test_a_cloud_event_is_of_its_source_whatever_topic_it_brings_along():
    raw = cloud(topic=TEAM)

    for topic in ("topic", "Topic"):
        event = read_event(raw | {topic: ACCOUNT}, "datahub", ELSEWHERE)
        assert isinstance(event, Irrelevant)
        assert "stwardlab is not the account of container landing" in event.reason
    assert origin_of(raw | {"topic": ACCOUNT}).source == TEAM
