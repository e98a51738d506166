"""The storage front with the real client: several accounts, who may pass, and what events say."""

import io
import json
import os
import socket
import sqlite3
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.storage.blob import BlobClient, BlobSasPermissions, BlobServiceClient, ContentSettings, generate_blob_sas

from shared.adapters.azure_storage.hub import BlobHub
from shared.records.line_logs import append_line, newest_lines
from signalbox.emulators.tokens import TokenIssuer
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import ACCOUNTS, TENANT, Endpoints
from signalbox.launcher.hub import LocalIdentity
from tests.emulators.services import control, events_of, read_settings, storage

pytestmark = pytest.mark.xdist_group("storage-emulator")


@pytest.fixture
def ends(cloud: LocalCloud) -> Endpoints:
    return cloud.endpoints


@pytest.fixture
def hub(ends: Endpoints) -> Iterator[BlobServiceClient]:
    with storage(ends) as client:
        yield client


def get(ends: Endpoints, path: str, authorization: str = "", query: str = "") -> requests.Response:
    headers = {"x-ms-version": "2021-12-02"} | ({"Authorization": authorization} if authorization else {})
    return requests.get(
        f"https://localhost:{ends.storage}{path}{query}", headers=headers, verify=str(ends.ca), timeout=10
    )


def test_every_account_keeps_its_own_blobs_and_raises_events_under_its_own_topic(ends: Endpoints) -> None:
    for account in ACCOUNTS:
        with storage(ends, account) as client:
            container = client.create_container("models")
            container.upload_blob("m.bin", account.encode())
            assert container.download_blob("m.bin").readall() == account.encode()

    for account in ACCOUNTS:
        (event,) = events_of(ends, "models", "m.bin", "hub" if account == "datahub" else account)
        assert event["topic"].endswith(f"/providers/Microsoft.Storage/storageAccounts/{account}")
    writes = control(ends, "/_effects")["writes"]
    assert (writes["models/m.bin"], writes["stprod:models/m.bin"]) == (1, 1)
    assert get(ends, "/nowhere/models/m.bin").status_code == 404


def test_keys_are_random_kept_and_readable_by_the_owner_only(ends: Endpoints, tmp_path: Path) -> None:
    settings = read_settings(ends)

    assert len({account["key"] for account in settings["accounts"].values()}) == len(ACCOUNTS)
    assert (Path(ends.state) / "emulators.json").stat().st_mode & 0o077 == 0
    assert settings["topic_key"] not in (Path(ends.state) / "endpoints.json").read_text()


def test_a_shared_access_signature_is_checked_by_azurite(ends: Endpoints) -> None:
    account = "stdev"
    with storage(ends, account) as client:
        client.create_container("sas").upload_blob("a.txt", b"signed")
    key = read_settings(ends)["accounts"][account]["key"]
    expiry = datetime.now(UTC) + timedelta(hours=1)
    signed = generate_blob_sas(
        account, "sas", "a.txt", account_key=key, permission=BlobSasPermissions(read=True), expiry=expiry
    )
    url = f"https://localhost:{ends.storage}/{account}/sas/a.txt"

    with BlobClient.from_blob_url(f"{url}?{signed}", connection_verify=str(ends.ca)) as blob:
        assert blob.download_blob().readall() == b"signed"
        with pytest.raises(HttpResponseError):
            blob.upload_blob(b"not allowed", overwrite=True)
    forged = signed.replace("sig=", "sig=AAAA")
    assert get(ends, f"/{account}/sas/a.txt", query=f"?{forged}").status_code == 403
    stolen = get(ends, f"/{account}/sas/a.txt", "Bearer a.b.c", f"?{signed}")
    assert stolen.status_code == 401


def test_tokens_that_azurite_would_believe_are_refused_at_the_front(ends: Endpoints, tmp_path: Path) -> None:
    ours, theirs = (TokenIssuer(state, TENANT, ends.authority) for state in (Path(ends.state), tmp_path))
    audience = "https://storage.azure.com"
    tokens = {
        "good": ours.issue(audience),
        "forged": theirs.issue(audience),
        "expired": ours.issue(audience, now=time.time() - 7200),
        "for another": ours.issue("https://management.azure.com"),
    }

    answers = {name: get(ends, "/datahub", f"Bearer {token}", "?comp=list") for name, token in tokens.items()}
    codes = {name: (answer.status_code, answer.headers.get("x-ms-error-code")) for name, answer in answers.items()}
    refused = (401, "InvalidAuthenticationInfo")
    assert codes == {"good": (200, None), "forged": refused, "expired": refused, "for another": refused}
    assert get(ends, "/datahub", query="?comp=list").headers["x-ms-error-code"] == "NoAuthenticationInformation"
    keyed = get(ends, "/datahub", "SharedKey datahub:AAAA", "?comp=list")
    assert (keyed.status_code, keyed.headers["x-ms-error-code"]) == (403, "KeyBasedAuthenticationNotPermitted")


def test_the_real_client_tells_a_refused_token_as_an_authentication_error(ends: Endpoints, tmp_path: Path) -> None:
    class Stranger:
        def get_token(self, *scopes: str, **kwargs: object) -> object:
            from azure.core.credentials import AccessToken

            token = TokenIssuer(tmp_path, TENANT, ends.authority).issue("https://storage.azure.com")
            return AccessToken(token, int(time.time()) + 3600)

    with (
        BlobServiceClient(ends.hub, credential=Stranger(), connection_verify=str(ends.ca)) as client,
        pytest.raises(ClientAuthenticationError),
    ):
        list(client.list_containers())


def test_events_say_what_was_written(ends: Endpoints, hub: BlobServiceClient) -> None:
    container = hub.get_container_client("landing")
    parquet = ContentSettings(content_type="application/vnd.apache.parquet")
    container.upload_blob("put.parquet", b"12345", content_settings=parquet)
    blocks = container.get_blob_client("blöck list.csv")
    blocks.upload_blob(b"x" * 30_000, blob_type="BlockBlob", content_settings=ContentSettings(content_type="text/csv"))
    big = container.get_blob_client("blocks.csv")
    big.stage_block("MDE=", b"abc")
    big.stage_block("MDI=", b"defg")
    committed = big.commit_block_list(["MDE=", "MDI="], content_settings=ContentSettings(content_type="text/csv"))

    (put,), (named,) = events_of(ends, "landing", "put.parquet"), events_of(ends, "landing", "blöck list.csv")
    (listed,) = events_of(ends, "landing", "blocks.csv")
    assert said(put) == ("PutBlob", "BlockBlob", 5, "application/vnd.apache.parquet")
    assert said(named) == ("PutBlob", "BlockBlob", 30_000, "text/csv")
    assert said(listed) == ("PutBlockList", "BlockBlob", 7, "text/csv")
    assert listed["data"]["eTag"] == committed["etag"].strip('"')
    assert listed["data"]["url"] == f"{ends.hub}/landing/blocks.csv"
    assert put["data"]["sequencer"] < listed["data"]["sequencer"]


def test_an_append_blob_is_an_event_at_its_creation_and_not_at_an_append(
    ends: Endpoints, hub: BlobServiceClient
) -> None:
    log = hub.get_blob_client("landing", "log.jsonl")
    log.create_append_blob()
    log.append_block(b"one\n")
    log.append_block(b"two\n")

    (event,) = events_of(ends, "landing", "log.jsonl")
    assert said(event) == ("PutBlob", "AppendBlob", 0, "application/octet-stream")


def test_a_refused_write_is_no_event_and_a_deletion_is_one_without_etag_and_length(
    ends: Endpoints, hub: BlobServiceClient
) -> None:
    blob = hub.get_blob_client("landing", "short-lived.txt")
    blob.upload_blob(b"1", content_settings=ContentSettings(content_type="text/plain"))
    with pytest.raises(HttpResponseError):
        blob.upload_blob(b"2")
    copy = hub.get_blob_client("landing", "copied.txt")
    copy.start_copy_from_url(blob.url)
    blob.delete_blob()

    created, deleted = events_of(ends, "landing", "short-lived.txt")
    assert (created["eventType"], deleted["eventType"]) == (
        "Microsoft.Storage.BlobCreated",
        "Microsoft.Storage.BlobDeleted",
    )
    assert {"eTag", "contentLength"}.isdisjoint(deleted["data"])
    assert (deleted["data"]["api"], deleted["data"]["contentType"]) == ("DeleteBlob", "text/plain")
    assert said(events_of(ends, "landing", "copied.txt")[0]) == ("CopyBlob", "BlockBlob", 1, "text/plain")
    assert json.dumps(control(ends, "/_effects")["writes"]).count("short-lived.txt") == 1


def test_a_client_that_goes_away_halfway_writes_nothing_and_blocks_nobody(
    ends: Endpoints, hub: BlobServiceClient
) -> None:
    token = LocalIdentity(ends).get_token("https://storage.azure.com/.default").token
    headers = {
        "Authorization": f"Bearer {token}",
        "x-ms-version": "2021-12-02",
        "x-ms-blob-type": "BlockBlob",
        "Content-Length": "2000",
    }
    lines = ["PUT /datahub/landing/half.csv HTTP/1.1", "Host: localhost", *(f"{k}: {v}" for k, v in headers.items())]
    trust = ssl.create_default_context(cafile=str(ends.ca))
    with (
        socket.create_connection(("127.0.0.1", ends.storage)) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as wire,
    ):
        wire.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + b"x" * 1000)
    hub.get_blob_client("landing", "half.csv").upload_blob(b"whole")

    (event,) = events_of(ends, "landing", "half.csv")
    assert event["data"]["contentLength"] == 5
    with closing(sqlite3.connect(Path(ends.state) / "emulators" / "events.db")) as database:
        assert database.execute("SELECT COUNT(*) FROM commits WHERE state='open'").fetchone() == (0,)


def said(event: dict[str, dict[str, object]]) -> tuple[object, ...]:
    return tuple(event["data"][name] for name in ("api", "blobType", "contentLength", "contentType"))


def test_a_blob_is_loaded_with_its_content_as_find_and_read_give_them(hub: BlobServiceClient) -> None:
    hub.create_container("loaded")
    ours, content = BlobHub(hub), "grüße".encode()
    ours.create("loaded", "a/b.json", content, {"kind": "letter"})
    ours.create("loaded", "empty", b"")
    ours.create("loaded", "folder", b"", {"hdi_isfolder": "true"})

    assert ours.load("loaded", "a/b.json") == (ours.find("loaded", "a/b.json"), content)
    assert ours.load("loaded", "empty") == (ours.find("loaded", "empty"), b"")
    assert [ours.load("loaded", path) for path in ("folder", "nothing")] == [None, None]


@pytest.mark.parametrize("size", [0, 9_000_000], ids=["empty", "longer than a block"])
def test_a_blob_is_created_once_from_another_that_is_read_as_it_goes(hub: BlobServiceClient, size: int) -> None:
    """As an import lands what it has staged."""
    container, content = BlobHub(hub), bytes(size)
    assert container.create("signalbox-staging", f"imports/{size}/00000", io.BytesIO(content), {"sha256": "x"})
    staged = container.find("signalbox-staging", f"imports/{size}/00000")
    assert staged is not None

    with container.open(staged) as stream:
        assert container.create("landing", f"imported/{size}.csv", stream, {"signalbox_import": "import-1"})
    with container.open(staged) as stream:
        assert not container.create("landing", f"imported/{size}.csv", stream, {"signalbox_import": "import-2"})

    landed = container.load("landing", f"imported/{size}.csv")
    assert landed is not None
    assert (landed[1] == content, landed[0].metadata["signalbox_import"]) == (True, "import-1")


def test_a_log_goes_on_in_another_blob_where_one_is_full(hub: BlobServiceClient) -> None:
    hub.create_container("logs")
    ours = BlobHub(hub, longest_log=20)
    for number in range(12):
        append_line(ours, "logs", "day.jsonl", b"line %d" % number)

    assert [line.decode() for line in newest_lines(ours, "logs", "day.jsonl", 100_000)] == [
        f"line {number}" for number in range(12)
    ]
    parts = [blob.path for blob in ours.list("logs", "day")]
    assert parts[:2] == ["day.jsonl", "day.part-000002.jsonl"]
    assert len(parts) == 6


@pytest.mark.skipif("SIGNALBOX_FULL_LOGS" not in os.environ, reason="takes minutes: run `make chaos`")
def test_sixty_thousand_lines_pass_the_fifty_thousand_blocks_of_an_append_blob(hub: BlobServiceClient) -> None:
    """Each is 14 bytes: the blocks come to an end before the bytes do. Azurite reads no blob of so many blocks."""
    container = hub.create_container("full")
    ours = BlobHub(hub)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: append_line(ours, "full", "day.jsonl", b"line %08d" % number), range(60_000)))

    full = container.get_blob_client("day.jsonl").get_blob_properties()
    assert (full.append_blob_committed_block_count, full.size) == (50_000, 50_000 * 14)
    rest = (ours.read("full", "day.part-000002.jsonl") or b"").splitlines()
    assert len(set(rest)) == 10_000


@pytest.mark.parametrize("name", ["n" * 250 + ".csv", "患" * 90 + ".csv", "数" * 900 + ".csv", "x" * 1000 + ".csv"])
def test_names_as_long_as_azure_takes_them_are_copied(hub: BlobServiceClient, name: str) -> None:
    container = hub.create_container(f"long-{len(name)}")
    container.upload_blob(name, b"id\n1\n", metadata={"who": "a"})
    ours = BlobHub(hub)
    (blob,) = ours.list(container.container_name, "")

    assert blob.path == name
    assert ours.copy(blob, container.container_name, "copied.csv", {"run": "r"})
    assert ours.read(container.container_name, "copied.csv") == b"id\n1\n"
    container.upload_blob(name, b"id\n2\n", overwrite=True)
    assert not ours.copy(blob, container.container_name, "stale.csv", {"run": "r"})


def test_a_copy_from_an_address_of_more_than_two_kilobytes_is_refused_as_on_azure(hub: BlobServiceClient) -> None:
    container = hub.create_container("too-long")
    container.upload_blob("数" * 300, b"x")

    with pytest.raises(HttpResponseError, match=r"2 KiB"):
        container.get_blob_client("copy").start_copy_from_url(container.get_blob_client("数" * 300).url)


def test_markers_of_folders_are_no_files(hub: BlobServiceClient) -> None:
    container = hub.create_container("folders")
    container.upload_blob("a/b.csv", b"x")
    container.upload_blob("a", b"", metadata={"hdi_isfolder": "true"})
    container.upload_blob("c/", b"")
    ours = BlobHub(hub)

    assert [blob.path for blob in ours.list("folders", "")] == ["a/b.csv"]
    assert (ours.find("folders", "a"), ours.find("folders", "c/")) == (None, None)
    assert [ours.is_folder("folders", path) for path in ("a", "c/", "a/b.csv", "nothing")] == [True, True, False, False]
    assert [blob.path for blob in ours.page("folders", "", 10)[0]] == ["a/b.csv"]
