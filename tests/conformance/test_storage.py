"""Queues and blobs: triggers, inputs and outputs."""

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueServiceClient, TextBase64DecodePolicy, TextBase64EncodePolicy

from tests.conformance.client import Client

NOTIFICATION = {"aeg-event-type": "Notification"}


class Storage:
    """The account of the host under test."""

    def __init__(self, connection: str) -> None:
        self._blobs = BlobServiceClient.from_connection_string(connection)
        self._queues = QueueServiceClient.from_connection_string(connection)

    def container(self, name: str = "conformance") -> ContainerClient:
        client = self._blobs.get_container_client(name)
        with suppress(ResourceExistsError):
            client.create_container()
        return client

    def queue(self, name: str, *, is_base64: bool = True) -> Any:
        policies = {
            "message_encode_policy": TextBase64EncodePolicy(),
            "message_decode_policy": TextBase64DecodePolicy(),
        }
        client = self._queues.get_queue_client(name, **(policies if is_base64 else {}))
        with suppress(ResourceExistsError):
            client.create_queue()
        return client

    def text(self, blob: str, container: str = "conformance") -> str | None:
        try:
            return self.container(container).download_blob(blob).readall().decode()
        except ResourceNotFoundError:
            return None

    def event(self, blob: str) -> dict[str, Any]:
        """What the storage account would raise for *blob*."""
        client = self.container().get_blob_client(blob)
        data = {"url": client.url, "blobType": "BlockBlob", "eTag": "0x1", "api": "PutBlob"}
        times = {"eventTime": "2026-01-01T00:00:00Z", "dataVersion": "", "metadataVersion": "1"}
        subject = f"/blobServices/default/containers/conformance/blobs/{blob}"
        kind = "Microsoft.Storage.BlobCreated"
        return {"id": str(uuid.uuid4()), "topic": "t", "subject": subject, "eventType": kind, "data": data, **times}

    def close(self) -> None:
        self._blobs.close()
        self._queues.close()


@pytest.fixture
def storage(storage_connection: str) -> Iterator[Storage]:
    account = Storage(storage_connection)
    yield account
    account.close()


def number() -> str:
    return uuid.uuid4().hex


def tries(host: Client, which: str) -> list[int]:
    return [count for seen, count in host.get("/api/seen/order").json() if seen == which]


def event_path(host: Client, function: str = "Host.Functions.landed") -> str:
    key = host.get("/admin/host/systemkeys/blobs_extension", key=host.key).json()["value"]
    return f"/runtime/webhooks/blobs?functionName={function}&code={key}"


def test_a_message_reaches_its_function_with_its_fields(host: Client, storage: Storage) -> None:
    which = number()
    storage.queue("conformance-orders").send_message(json.dumps({"number": which}))
    host.until(lambda: tries(host, which), lambda counts: counts == [1])
    assert [which, True] in host.get("/api/seen/order_fields").json()
    host.until(lambda: storage.text(f"counts/{which}.txt"), lambda text: text == "1")


def test_what_a_function_returns_goes_to_a_queue_and_wakes_the_next(host: Client, storage: Storage) -> None:
    which = number()
    storage.queue("conformance-orders").send_message(json.dumps({"number": which}))
    host.until(lambda: host.get("/api/seen/answered").json(), lambda seen: [f"{which}: 1"] in seen)


def test_a_message_comes_again_until_its_function_succeeds(host: Client, storage: Storage) -> None:
    which = number()
    storage.queue("conformance-orders").send_message(json.dumps({"number": which, "failures": 2}))
    host.until(lambda: storage.text(f"counts/{which}.txt"), lambda text: text == "1")
    assert tries(host, which) == [1, 2, 3]


def test_a_message_that_fails_too_often_goes_to_the_poison_queue(host: Client, storage: Storage) -> None:
    which = number()
    storage.queue("conformance-orders").send_message(json.dumps({"number": which, "failures": 9}))
    poison = storage.queue("conformance-orders-poison")
    found = host.until(lambda: [json.loads(m.content) for m in poison.receive_messages(visibility_timeout=1)], bool)
    assert found == [{"number": which, "failures": 9}]
    poison.clear_messages()
    assert tries(host, which) == [1, 2, 3]
    assert storage.text(f"counts/{which}.txt") is None


def test_a_message_that_is_not_base64_goes_to_the_poison_queue_at_once(host: Client, storage: Storage) -> None:
    storage.queue("conformance-orders", is_base64=False).send_message("{not encoded}")
    poison = storage.queue("conformance-orders-poison", is_base64=False)
    found = host.until(lambda: [m.content for m in poison.receive_messages(visibility_timeout=1)], bool)
    assert found == ["{not encoded}"]
    poison.clear_messages()


def test_a_list_is_one_message_for_each_item_and_its_queue_is_made(host: Client, storage: Storage) -> None:
    name = number()
    assert host.call("POST", f"/api/send/{name}", ["a", "b"]).status == 202
    queue = storage.queue(f"conformance-{name}", is_base64=False)
    contents = sorted(base64.b64decode(message.content).decode() for message in queue.receive_messages())
    assert contents == ["a", "b"]
    queue.delete_queue()


@pytest.mark.parametrize(
    ("path", "status", "answer"),
    [
        ("hand-over/text", 200, "a word"),
        ("hand-over/answered", 202, "taken"),
        ("hand-over/bytes", 200, '"YSB3b3Jk"'),
        ("hand-over-alone", 200, "a word"),
    ],
)
def test_what_is_returned_for_a_blob_is_the_answer_too(
    host: Client, storage: Storage, path: str, status: int, answer: str
) -> None:
    reply = host.call("POST", f"/api/{path}", "a word")
    assert (reply.status, reply.text) == (status, answer)
    assert storage.text(path.replace("hand-over-", "handed/").replace("hand-over", "handed")) == "a word"


def test_what_is_returned_for_a_queue_is_the_answer_too(host: Client, storage: Storage) -> None:
    word = uuid.uuid4().hex
    reply = host.call("POST", "/api/hand-over-message", word)
    assert (reply.status, reply.text) == (200, word)
    assert word in [message.content for message in storage.queue("conformance-handed").receive_messages()]


def test_a_blob_is_copied_byte_for_byte_and_its_container_is_made(host: Client, storage: Storage) -> None:
    source, folder = f"raw/{number()}", number()
    storage.container().upload_blob(source, bytes(range(256)))
    path = f"/api/copy/one.bin?folder={folder}"
    assert host.call("POST", path, {"source": f"conformance/{source}"}).text == "256"
    copies = storage.container(f"conformance-{folder}")
    assert copies.download_blob("copies/one.bin").readall() == bytes(range(256))
    address = storage.container().get_blob_client(source).url
    assert host.call("POST", path, {"source": address}).text == "256"
    copies.delete_container()


def test_a_blob_that_is_missing_is_none(host: Client) -> None:
    assert host.get("/api/returns-nothing").text == "None"
    assert host.call("POST", "/api/copy/x?folder=y", {"source": f"conformance/{number()}"}).status == 404


def test_an_expression_without_a_value_fails_the_call(host: Client) -> None:
    assert host.call("POST", "/api/copy/x", {"other": 1}).status == 500


def test_a_blob_event_reaches_the_function_with_the_blob(host: Client, storage: Storage) -> None:
    which = number()
    blob = f"landing/{which}/rows.csv"
    storage.container().upload_blob(blob, b"a\nb\n", metadata={"from": "here"})
    assert host.call("POST", event_path(host), [storage.event(blob)], NOTIFICATION).status == 202
    host.until(lambda: storage.text(f"seen/{which}/rows.json"), lambda text: text == '{"lines": 2}')
    assert [f"conformance/{blob}", 4, {"from": "here"}, True] in host.get("/api/seen/landed").json()


def test_an_event_of_a_blob_that_is_gone_does_nothing(host: Client, storage: Storage) -> None:
    gone, there = f"landing/{number()}/gone.csv", number()
    storage.container().upload_blob(f"landing/{there}/rows.csv", b"")
    events = [storage.event(gone), storage.event(f"landing/{there}/rows.csv")]
    assert host.call("POST", event_path(host), events, NOTIFICATION).status == 202
    host.until(lambda: storage.text(f"seen/{there}/rows.json"), lambda text: text == '{"lines": 0}')
    assert not [name for name, *_ in host.get("/api/seen/landed").json() if gone in name]


def test_a_blob_whose_function_fails_too_often_goes_to_a_poison_queue(host: Client, storage: Storage) -> None:
    blob = f"landing/{number()}/rows.csv"
    storage.container().upload_blob(blob, b"broken")
    assert host.call("POST", event_path(host), [storage.event(blob)], NOTIFICATION).status == 202
    poison = storage.queue("webjobs-blobtrigger-poison")
    found = host.until(lambda: [json.loads(m.content) for m in poison.receive_messages(visibility_timeout=1)], bool)
    assert [(message["ContainerName"], message["BlobName"]) for message in found] == [("conformance", blob)]
    assert len([name for name, *_ in host.get("/api/seen/landed").json() if blob in name]) == 3
    poison.clear_messages()


def test_a_subscription_of_blob_events_is_validated(host: Client) -> None:
    given = [
        {"id": "1", "data": {"validationCode": "abc"}, "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent"}
    ]
    reply = host.call("POST", event_path(host), given, {"aeg-event-type": "SubscriptionValidation"})
    assert reply.json() == {"validationResponse": "abc"}


def test_blob_events_need_their_key(host: Client) -> None:
    path = "/runtime/webhooks/blobs?functionName=Host.Functions.landed&code=wrong"
    assert host.call("POST", path, [], NOTIFICATION).status == 401
