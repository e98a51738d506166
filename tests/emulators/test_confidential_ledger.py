"""The ledger with the real client and with the app's own: what it keeps, what it refuses, when a head is published."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.confidentialledger import ConfidentialLedgerClient
from azure.confidentialledger.certificate import ConfidentialLedgerCertificateClient
from azure.core.exceptions import HttpResponseError

from shared.adapters.audit_log.log import BlobAudit
from shared.adapters.confidential_ledger.published_heads import PublishedLedger
from shared.adapters.confidential_ledger.transactions import AUDIENCE, LedgerTransactions
from shared.clients import Clients
from shared.domain.failures import Refused, Transient
from shared.domain.trust.envelopes import TREE_HEAD_TYPE
from shared.domain.trust.keys import Purpose
from shared.domain.trust.tree_heads import TreeHead, read_tree_head
from shared.settings import read_settings
from signalbox.emulators.confidential_ledger.store import Store
from signalbox.emulators.tokens import PRINCIPAL
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import Endpoints
from signalbox.launcher.hub import LocalIdentity
from signalbox.launcher.people import VAULT_OFFICER, sign_in
from tests.emulators.services import eventually
from tests.fakes.ports import HostClock, MemoryHub
from tests.signing import signing

pytestmark = pytest.mark.xdist_group("storage-emulator")
ADMINISTRATOR = VAULT_OFFICER  # Barbara makes keys, and says who may use the ledger.


@pytest.fixture
def ends(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Endpoints:
    """With the environment that a process of the local cloud has."""
    for name, value in cloud.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    return cloud.endpoints


@pytest.fixture
def client(ends: Endpoints, tmp_path: Path) -> Iterator[ConfidentialLedgerClient]:
    """Microsoft's client, with the certificate that the identity service gives."""
    certificate = tmp_path / "ledger.pem"
    with ConfidentialLedgerCertificateClient(ends.ledger_identity_service) as identity:
        certificate.write_text(identity.get_ledger_identity("localhost")["ledgerTlsCertificate"])
    with ConfidentialLedgerClient(
        ends.confidential_ledger, LocalIdentity(ends), ledger_certificate_path=str(certificate), retry_total=0
    ) as client:
        yield client


def waits(seconds: float) -> None:
    """A pause that ends when another look may help: pending writes are committed after 50 ms here."""
    threading.Event().wait(min(seconds, 0.05))


def transactions(ends: Endpoints, pause: Callable[[float], None] = waits) -> LedgerTransactions:
    return LedgerTransactions(LocalIdentity(ends), ends.confidential_ledger, ends.ledger_identity_service, pause)


def published(ends: Endpoints, prefix: str, pause: Callable[[float], None] = waits) -> PublishedLedger:
    return PublishedLedger(transactions(ends, pause), prefix, pause)


def raw(ends: Endpoints, method: str, path: str, token: str, **options: Any) -> requests.Response:
    ca = str(Path(ends.state) / "certs" / "ledger-ca.pem")
    url, headers = f"{ends.confidential_ledger}{path}", {"Authorization": f"Bearer {token}"} if token else {}
    return requests.request(method, url, headers=headers, verify=ca, timeout=10, **options)


def order(ends: Endpoints, name: str, **body: Any) -> None:
    raw(ends, "POST", f"/_control/{name}", "", json=body).raise_for_status()


@contextmanager
def held(ends: Endpoints) -> Iterator[None]:
    """Nothing is committed inside."""
    order(ends, "hold")
    try:
        yield
    finally:
        order(ends, "release")


class Log:
    """An audit log in memory whose heads are published in the collections of *prefix*."""

    def __init__(self, publisher: PublishedLedger) -> None:
        self.hub, self.publisher = MemoryHub(HostClock().now), publisher
        self.process = self.start()

    def start(self) -> BlobAudit:
        return BlobAudit(self.hub, "signalbox", HostClock(), signing(), publisher=self.publisher)

    def append(self, *keys: str) -> None:
        for key in keys:
            self.process.append(key, "moved", "churn:1", "signalbox", {})


def sizes(publisher: PublishedLedger, *limits: int) -> list[int]:
    return [read_tree_head(envelope).size for envelope in publisher.published(*limits)]


def test_the_real_client_writes_waits_for_the_commit_and_reads_page_by_page(client: ConfidentialLedgerClient) -> None:
    writes = [client.create_ledger_entry({"contents": f"entry {n}"}, collection_id="pages") for n in range(45)]
    status = client.begin_wait_for_commit(writes[-1]["transactionId"], polling_interval=0.05).result()
    entry = client.begin_get_ledger_entry(writes[3]["transactionId"], polling_interval=0.01).result()
    listed = list(client.list_ledger_entries(collection_id="pages"))
    part = list(
        client.list_ledger_entries(
            collection_id="pages",
            from_transaction_id=writes[10]["transactionId"],
            to_transaction_id=writes[12]["transactionId"],
        )
    )

    assert status["state"] == "Committed"
    assert (entry["state"], entry["entry"]["contents"]) == ("Ready", "entry 3")
    assert [item["contents"] for item in listed] == [f"entry {n}" for n in range(45)]
    assert [item["contents"] for item in part] == ["entry 10", "entry 11", "entry 12"]
    assert client.get_current_ledger_entry(collection_id="pages")["contents"] == "entry 44"
    assert {"collectionId": "pages"} in list(client.list_collections())
    with pytest.raises(HttpResponseError, match="InvalidTransactionId"):
        client.get_transaction_status("2.999999")


def test_nothing_is_changed_or_removed_and_only_users_are_let_in(ends: Endpoints, tmp_path: Path) -> None:
    identity = LocalIdentity(ends)
    token, elsewhere = identity.get_token(AUDIENCE).token, identity.get_token("https://vault.azure.net").token
    owner, stranger = sign_in(ends, ADMINISTRATOR, AUDIENCE), sign_in(ends, "ada@example.org", AUDIENCE)
    path, entry = "/app/transactions?api-version=2022-05-13", {"contents": "x"}
    written = raw(ends, "POST", path, token, json=entry).headers["x-ms-ccf-transaction-id"]

    def answer(method: str, path: str, token: str, body: Any = entry) -> tuple[int, str]:
        response = raw(ends, method, path, token, json=body)
        return response.status_code, response.json()["error"]["code"]

    one = path.replace("?", f"/{written}?")
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        assert answer(method, one, owner) == (405, "UnsupportedHttpVerb"), method
    assert answer("DELETE", path, owner) == (405, "UnsupportedHttpVerb")
    for wrong in ("", "rubbish", elsewhere):
        assert answer("POST", path, wrong) == (401, "InvalidAuthenticationInfo")
    assert answer("POST", path, stranger) == (403, "AuthorizationFailed")
    assert answer("GET", path, stranger, None) == (403, "AuthorizationFailed")
    assert answer("POST", path, token, {"contents": 1}) == (400, "InvalidInput")
    assert answer("POST", "/app/transactions", token) == (400, "InvalidInput")
    users = f"/app/users/{PRINCIPAL}?api-version=2022-05-13"
    assert answer("PATCH", users, token, {"assignedRole": "Administrator"}) == (403, "AuthorizationFailed")
    raw(ends, "PATCH", users, owner, json={"assignedRole": "Reader"}).raise_for_status()
    try:
        assert answer("POST", path, token) == (403, "AuthorizationFailed")
        assert raw(ends, "GET", path, token).status_code == 200
        with pytest.raises(Refused, match="403"):
            transactions(ends).add("refused", "x")
    finally:
        raw(ends, "PATCH", users, owner, json={"assignedRole": "Contributor"}).raise_for_status()


def test_the_database_of_the_ledger_changes_nothing_either(tmp_path: Path) -> None:
    store = Store(tmp_path / "ledger.db", 0.0)
    first = store.add("heads", "first", "app")
    assert store.find(first)

    for change in ("UPDATE transactions SET contents = 'second'", "DELETE FROM transactions"):
        with pytest.raises(sqlite3.IntegrityError, match="a committed transaction"):
            sqlite3.connect(tmp_path / "ledger.db", isolation_level=None).execute(change)


def test_a_head_is_published_once_its_transaction_is_committed(ends: Endpoints) -> None:
    publisher = published(ends, "once", lambda seconds: None)
    log = Log(publisher)
    log.append("1")
    with held(ends):
        with pytest.raises(Transient, match="has not committed transaction"):
            log.process.publish()
        with pytest.raises(Transient, match="has not committed transaction"):
            log.process.publish()
        assert sizes(publisher) == []

    log.publisher = published(ends, "once")
    log.process = log.start()
    log.process.publish()
    log.process.publish()

    entries = list(transactions(ends).entries("once-000000000"))
    assert (sizes(publisher), len(entries)) == ([1], 1)


def test_a_write_that_the_ledger_lost_is_written_again(ends: Endpoints) -> None:
    log = Log(published(ends, "lost", lambda seconds: None))
    log.append("1")
    with held(ends):
        with pytest.raises(Transient):
            log.process.publish()
        order(ends, "lose")  # What was pending went with the node that took it.
    log.publisher = published(ends, "lost")
    assert sizes(log.publisher) == []

    log.start().publish()

    assert sizes(log.publisher) == [1]


def test_heads_are_read_by_size_the_largest_first_over_several_collections_and_pages(ends: Endpoints) -> None:
    publisher = published(ends, "many")
    log = Log(publisher)
    for size in range(1, 26):
        log.append(str(size))
        log.process.publish()
    far = TreeHead(log="other", size=2500, root=bytes(32), at=HostClock().now())
    publisher.publish(signing().sign(Purpose.LOG, TREE_HEAD_TYPE, far.payload()))

    assert sizes(publisher) == [2500, *range(25, 0, -1)]
    assert sizes(publisher, 20, 22) == [22, 21, 20]
    assert (sizes(publisher, 1000), sizes(publisher, 1000, 2499)) == ([2500], [])
    assert [problem for problem in log.process.verify().problems if "it is of the log 'other'" in problem]


def test_verify_names_a_log_that_contradicts_the_ledger_and_what_others_wrote_there(ends: Endpoints) -> None:
    log = Log(published(ends, "cut"))
    log.append("1", "2", "3")
    log.process.publish()
    transaction = transactions(ends).add("cut-000000000", json.dumps({"not": "a head"}))
    eventually(lambda: transactions(ends).is_committed(transaction))
    other = log.process.verify()
    shorter = Log(log.publisher)
    shorter.process = BlobAudit(shorter.hub, "signalbox", HostClock(), signing())
    shorter.append("1", "2")

    cut = shorter.start().verify()
    with pytest.raises(Refused, match="cut: 3:"):
        shorter.start().append("3", "moved", "churn:1", "signalbox", {})

    assert [problem for problem in other.problems if "a published head (unreadable) is not believed" in problem]
    assert any("the log was cut: 3:" in problem for problem in cut.problems), cut.problems


def test_a_write_follows_the_ledger_to_the_node_that_may_write_and_nowhere_else(ends: Endpoints) -> None:
    ledger = transactions(ends)
    order(ends, "redirect", requests=1, location=f"https://127.0.0.1:{ends.ledger}")
    transaction = ledger.add("redirected", "x")
    assert eventually(lambda: ledger.is_committed(transaction))
    for location, refusal in (("http://localhost:1", Refused), (ends.hub, Transient)):
        order(ends, "redirect", requests=1, location=location)
        # The server at the second address has a certificate of another authority: it gets no token.
        with pytest.raises(refusal):
            ledger.add("redirected", "y")
    assert len(list(ledger.entries("redirected"))) == 1


def test_only_the_certificate_of_the_identity_service_is_trusted(ends: Endpoints) -> None:
    other = LedgerTransactions(LocalIdentity(ends), ends.hub, ends.ledger_identity_service, waits)
    with pytest.raises(Transient, match=r"(?i)certificate"):
        other.add("x", "y")
    unknown = ends.confidential_ledger.replace("localhost", "127.0.0.1")
    with pytest.raises(Refused, match="There is no ledger 127"):
        LedgerTransactions(LocalIdentity(ends), unknown, ends.ledger_identity_service, waits).add("x", "y")


def test_the_setting_opens_it(ends: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_TREE_HEADS", f"ledger:{ends.confidential_ledger}/by-setting")
    clients = Clients(read_settings())
    log = Log(published(ends, "by-setting"))
    log.append("1")

    assert clients.tree_heads is not None
    log.process = BlobAudit(log.hub, "signalbox", HostClock(), signing(), publisher=clients.tree_heads)
    log.process.publish()

    assert sizes(log.publisher) == [1]
