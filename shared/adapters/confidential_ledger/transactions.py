"""The transactions of one Azure Confidential Ledger, by its REST API: writing, the state of a write, reading.

Contract: https://learn.microsoft.com/rest/api/confidentialledger (2022-05-13). Why not azure-confidentialledger:
docs/decisions/0024-confidential-ledger.md. Nothing is asked of receipts, users and enclaves.
"""

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import ContentDecodePolicy, CustomHookPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.allowed_hosts import host_of, refuse_other_host
from shared.adapters.azure_faults import failure, translated
from shared.adapters.azure_ml.arm import pipeline
from shared.adapters.trace_headers import TraceHeaders
from shared.domain.failures import Refused, Transient

AUDIENCE = "https://confidential-ledger.azure.com"
_API = "2022-05-13"
_TRANSACTION = "x-ms-ccf-transaction-id"
_CONNECT_S, _READ_S = 10, 30
_REDIRECTS = (307, 308)  # The load balancer names the node that may write.
_LOOKS, _PAUSE_S = 20, 0.5  # The ledger reads old entries from its files first, and says that it is at it.


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    contents: str
    transaction: str


class LedgerTransactions:
    """The ledger at *address*; its certificate comes from the identity service at *identity*.

    A ledger's certificate is of no public authority. The identity service, whose own is, says which one it has, and
    only a server with that one is sent anything. *pause* waits for as many seconds as it is given.
    """

    def __init__(
        self, credential: TokenCredential, address: str, identity: str, pause: Callable[[float], None]
    ) -> None:
        self._address, self._identity, self._pause = address, identity, pause
        self._pipeline = pipeline(address, credential, f"{AUDIENCE}/.default")
        self._certificate: Path | None = None

    def add(self, collection: str, contents: str) -> str:
        """Write an entry; the id of its transaction, which is not committed yet. Raises Refused and Transient."""
        url = self._url("/app/transactions", collectionId=collection)
        response = self._send(HttpRequest("POST", url, json={"contents": contents}), "write to the ledger")
        transaction = str(response.headers.get(_TRANSACTION, ""))
        if not transaction:
            raise Refused("write to the ledger: the answer names no transaction")
        return transaction

    def is_committed(self, transaction: str) -> bool:
        """Whether the write is durable. It is not where the ledger has lost it, or a node has not heard of it."""
        url = self._url(f"/app/transactions/{quote(transaction, safe='.')}/status")
        response = self._send(HttpRequest("GET", url), f"look at transaction {transaction}", accept=(200, 404))
        return response.status_code == 200 and _object(response).get("state") == "Committed"

    def newest(self, collection: str) -> LedgerEntry | None:
        """The last entry of *collection*, which may not be committed yet; None where it has none."""
        url = self._url("/app/transactions/current", collectionId=collection)
        response = self._send(HttpRequest("GET", url), f"read collection {collection}", accept=(200, 404))
        return None if response.status_code == 404 else _entry(_object(response))

    def collections(self) -> Iterator[str]:
        for page in self._pages(self._url("/app/collections"), "list the ledger's collections"):
            yield from (str(item["collectionId"]) for item in page.get("collections") or ())

    def entries(self, collection: str) -> Iterator[LedgerEntry]:
        """The committed entries of *collection*, the oldest first."""
        url = self._url("/app/transactions", collectionId=collection)
        for page in self._pages(url, f"read collection {collection}"):
            yield from map(_entry, page.get("entries") or ())

    def _pages(self, url: str, action: str) -> Iterator[dict[str, Any]]:
        looks = 0
        while url:
            page = _object(self._send(HttpRequest("GET", url), action))
            link = str(page.get("nextLink") or "")
            if page.get("state") == "Loading":
                looks += 1
                if looks == _LOOKS:
                    raise Transient(f"{action}: the ledger is still loading these entries")
                self._pause(_PAUSE_S)
                link = link or url
            else:
                looks = 0
                yield page
            url = urljoin(f"{self._address}/", link) if link else ""
            if url:
                refuse_other_host(url, self._address, "nextLink")

    def _url(self, path: str, **query: str) -> str:
        return f"{self._address}{path}?{urlencode({'api-version': _API, **query})}"

    def _send(self, request: HttpRequest, action: str, accept: tuple[int, ...] = (200,)) -> HttpResponse:
        """The answer, if its status is one of *accept*. Raises Refused and Transient."""
        try:
            response = self._sent(request, action)
            # A 401 is a token that expired on the way: the policy has dropped it, and another may be accepted.
            if response.status_code == 401:
                response = self._sent(request, action)
        except Transient:
            self._certificate = None  # The ledger may have a new one since it was recovered.
            raise
        if response.status_code not in accept:
            headers = response.headers
            raise failure(action, response.status_code, response.text()[:300], headers.get("Retry-After", ""))
        return response

    def _sent(self, request: HttpRequest, action: str) -> HttpResponse:
        """The answer of the node that may answer: one redirect is followed, to a server of the same certificate."""
        response = self._sent_to_node(request, action)
        if response.status_code not in _REDIRECTS:
            return response
        location = urljoin(request.url, str(response.headers.get("Location", "")))
        if not host_of(location):
            raise Refused(f"{action}: the ledger redirects to {location[:200]!r}; nothing is sent there")
        request.url = location
        return self._sent_to_node(request, action)

    def _sent_to_node(self, request: HttpRequest, action: str) -> HttpResponse:
        certificate = self._certificate or self._fetched_certificate()
        with translated(action):
            return self._pipeline.send_request(
                request,
                connection_verify=str(certificate),
                retry_total=0,  # A write whose answer was lost is looked for by its caller.
                connection_timeout=_CONNECT_S,
                read_timeout=_READ_S,
            )

    def _fetched_certificate(self) -> Path:
        """A file with the certificate that the identity service has of the ledger; it goes with this object."""
        name = urlsplit(self._address).netloc.partition(".")[0]
        action = f"ask for the certificate of ledger {name}"
        url = f"{self._identity}/ledgerIdentity/{quote(name, safe='')}?api-version={_API}"
        policies = [UserAgentPolicy("signalbox"), TraceHeaders(), CustomHookPolicy(), ContentDecodePolicy()]
        with translated(action):
            client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(self._identity, policies=policies)
            with client:
                response = client.send_request(
                    HttpRequest("GET", url), connection_timeout=_CONNECT_S, read_timeout=_READ_S
                )
        if response.status_code != 200:
            raise failure(action, response.status_code, response.text()[:300])
        certificate = str(_object(response).get("ledgerTlsCertificate") or "")
        if "-----BEGIN CERTIFICATE-----" not in certificate:
            raise Refused(f"{action}: the answer has none")
        # A file, since `requests` takes certificates by their path alone.
        descriptor, path = tempfile.mkstemp(prefix="signalbox-ledger-", suffix=".pem")
        with os.fdopen(descriptor, "w") as file:
            file.write(certificate)
        self._certificate = Path(path)
        weakref.finalize(self, self._certificate.unlink, missing_ok=True)
        return self._certificate


def _object(response: HttpResponse) -> dict[str, Any]:
    """Raises Refused where the body is no JSON object."""
    try:
        body = response.json()
    except ValueError as error:
        raise Refused(f"the ledger's answer is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused("the ledger's answer is no JSON object")
    return body


def _entry(raw: dict[str, Any]) -> LedgerEntry:
    return LedgerEntry(contents=str(raw.get("contents", "")), transaction=str(raw.get("transactionId", "")))
