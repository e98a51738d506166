"""What stands in Azure and who may do what there, by Resource Manager; it only reads.

Contracts: Microsoft.Authorization (permissions, locks), Microsoft.EventGrid (eventSubscriptions), the resources' own.
"""

import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.allowed_hosts import refuse_other_host
from shared.adapters.azure_faults import failure, translated
from shared.adapters.azure_ml.arm import pipeline, place_path, send
from shared.adapters.service_bus.shapes import queue_seen, topic_seen
from shared.domain.azure.inspection import (
    AzureResource,
    ClockSeen,
    DatastoreSeen,
    Grant,
    Hidden,
    IssuerSeen,
    Lock,
    LockLevel,
    QueueSeen,
    RoleGiven,
    Subscription,
    TopicSeen,
)
from shared.domain.failures import Transient
from shared.domain.inference.routes import Workspace

_LOCKS, _PERMISSIONS, _SUBSCRIPTIONS, _SUBSCRIPTION = "2016-09-01", "2022-04-01", "2022-06-15", "2022-12-01"
_ROLES = "2022-04-01"  # Of role assignments and of role definitions.
_BUS = "2024-01-01"
_BY_PROVIDER = {
    "microsoft.storage": "2023-05-01",
    "microsoft.machinelearningservices": "2024-10-01",
    "microsoft.servicebus": _BUS,
}


class AzureControlPlane:
    """Implements `shared.ports.ControlPlane`."""

    def __init__(self, credential: TokenCredential, resource_manager: str) -> None:
        self._base, self._credential = resource_manager, credential
        self._pipeline = pipeline(resource_manager, credential, f"{resource_manager}/.default")

    def find(self, resource: str) -> AzureResource | None:
        provider = resource.rpartition("/providers/")[2].partition("/")[0].lower()
        raw = self._get(resource, _BY_PROVIDER[provider])
        if raw is None:
            return None
        properties = raw.get("properties") or {}
        return AzureResource(
            id=str(raw.get("id") or resource),
            state=str(properties.get("provisioningState") or ""),
            storage=str(properties.get("storageAccount") or ""),
            # Left out means open: that is the default of both services.
            public=str(properties.get("publicNetworkAccess") or "Enabled").lower() == "enabled",
            shared_key=properties.get("allowSharedKeyAccess") is not False,  # Null means allowed.
            immutability=_immutability(properties),
            tags={str(name): str(value) for name, value in (raw.get("tags") or {}).items()},
        )

    def datastore(self, workspace: Workspace, name: str) -> DatastoreSeen | None:
        path = f"{place_path(workspace)}/datastores/{quote(name)}"
        raw = self._get(path, _BY_PROVIDER["microsoft.machinelearningservices"])
        if raw is None:
            return None
        properties = raw["properties"]
        return DatastoreSeen(
            account=str(properties.get("accountName", "")),
            container=str(properties.get("containerName") or properties.get("filesystem") or ""),
        )

    def grants(self, resource: str) -> tuple[Grant, ...]:
        raw_grants = self._list(f"{resource}/providers/Microsoft.Authorization/permissions", _PERMISSIONS)
        return tuple(map(_grant, raw_grants))

    def roles_given(self, resource: str) -> tuple[RoleGiven, ...]:
        path = f"{resource}/providers/Microsoft.Authorization/roleAssignments"
        # `atScope()` leaves out what is assigned below the resource; what it inherits stays
        # (https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest).
        assignments = [raw["properties"] for raw in self._list(path, f"{_ROLES}&$filter=atScope()")]
        definitions = {
            name: self._get(name, _ROLES) or {} for name in {str(raw["roleDefinitionId"]) for raw in assignments}
        }
        return tuple(_role_given(raw, definitions[str(raw["roleDefinitionId"])]) for raw in assignments)

    def own_principal(self) -> str:
        import jwt

        # Resource Manager checks the token; here it only says who the app is, of which nothing depends but a report.
        token = self._credential.get_token(f"{self._base}/.default").token
        return str(jwt.decode(token, options={"verify_signature": False}).get("oid", ""))

    def locks(self, scope: str) -> tuple[Lock, ...]:
        raw_locks = self._list(f"{scope}/providers/Microsoft.Authorization/locks", _LOCKS)
        return tuple(_lock(raw) for raw in raw_locks)

    def subscriptions(self, resource: str) -> tuple[Subscription, ...]:
        raw_subscriptions = self._list(f"{resource}/providers/Microsoft.EventGrid/eventSubscriptions", _SUBSCRIPTIONS)
        return tuple(_subscription(raw) for raw in raw_subscriptions)

    def queue(self, namespace: str, name: str) -> QueueSeen | None:
        raw = self._get(f"{namespace}/queues/{quote(name, safe='')}", _BUS)
        return None if raw is None else queue_seen(raw)

    def topic(self, namespace: str, name: str) -> TopicSeen | None:
        path = f"{namespace}/topics/{quote(name, safe='')}"
        raw = self._get(path, _BUS)
        return None if raw is None else topic_seen(raw, self._list(f"{path}/subscriptions", _BUS))

    def issuer(self, issuer: str) -> IssuerSeen:
        metadata = self._public(f"{issuer}/.well-known/openid-configuration")
        keys = self._public(str(metadata.get("jwks_uri"))).get("keys", ())
        return IssuerSeen(issuer=str(metadata.get("issuer")), keys=len(keys))

    def clock(self) -> ClockSeen:
        answer = self._send(HttpRequest("GET", f"{self._base}/subscriptions?api-version={_SUBSCRIPTION}"))
        return ClockSeen(azure_time=parsedate_to_datetime(answer.headers["Date"]), local_time=datetime.now(UTC))

    def addresses(self, url: str) -> tuple[str, ...]:
        parts = urlsplit(url)
        try:
            addresses = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
        except OSError:
            return ()
        return tuple(dict.fromkeys(str(address[4][0]) for address in addresses))

    def answers(self, url: str) -> bool:
        try:
            self._plain("OPTIONS", url, f"reach {url}")
        except Transient:
            return False
        return True

    def _public(self, url: str) -> Mapping[str, Any]:
        answer = self._plain("GET", url, f"read {url}")
        if answer.status_code != 200:
            raise failure(f"read {url}", answer.status_code, answer.text()[:200])
        return dict(answer.json())

    def _plain(self, method: str, url: str, action: str) -> HttpResponse:
        """Sent without a token."""
        client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(url, policies=[UserAgentPolicy("signalbox")])
        with translated(action):
            return client.send_request(HttpRequest(method, url), connection_timeout=10, read_timeout=10)

    def _get(self, path: str, version: str) -> dict[str, Any] | None:
        answer = self._send(HttpRequest("GET", f"{self._base}{path}?api-version={version}"))
        return None if answer.status_code == 404 else dict(answer.json())

    def _list(self, path: str, version: str) -> Iterator[dict[str, Any]]:
        url: str | None = f"{self._base}{path}?api-version={version}"
        while url:
            refuse_other_host(url, self._base, "nextLink")
            answer = self._send(HttpRequest("GET", url))
            page = answer.json() if answer.status_code == 200 else {}
            yield from page.get("value", ())
            url = page.get("nextLink")

    def _send(self, request: HttpRequest) -> HttpResponse:
        action = f"read {urlsplit(request.url).path}"
        answer = send(self._pipeline, request, action, accept=(200, 401, 403, 404))
        if answer.status_code in (401, 403):
            raise Hidden(f"{action}: the app's identity may not look")
        return answer


def _immutability(properties: Mapping[str, Any]) -> str:
    """The state of a container's time-based retention policy, as a container's properties have it."""
    policy = properties.get("immutabilityPolicy") or {}
    return str((policy.get("properties") or {}).get("state") or "")


def _grant(raw: Mapping[str, Any]) -> Grant:
    return Grant(
        actions=_texts(raw, "actions"),
        not_actions=_texts(raw, "notActions"),
        data_actions=_texts(raw, "dataActions"),
        not_data_actions=_texts(raw, "notDataActions"),
    )


def _role_given(raw: Mapping[str, Any], definition: Mapping[str, Any]) -> RoleGiven:
    properties = definition.get("properties") or {}
    return RoleGiven(
        principal=str(raw["principalId"]),
        kind=str(raw.get("principalType") or ""),
        role=str(properties.get("roleName") or raw["roleDefinitionId"]),
        scope=str(raw["scope"]),
        grants=tuple(map(_grant, properties.get("permissions") or ())),
    )


def _lock(raw: Mapping[str, Any]) -> Lock:
    scope = str(raw["id"]).partition("/providers/Microsoft.Authorization/locks/")[0]
    return Lock(name=str(raw["name"]), level=LockLevel(str(raw["properties"]["level"])), scope=scope)


def _subscription(raw: Mapping[str, Any]) -> Subscription:
    """Azure nests a destination or dead-letter place one level deeper where an identity is used for it."""
    properties = raw["properties"]
    wrapper = properties.get("deliveryWithResourceIdentity") or {}
    destination = (wrapper.get("destination") or properties.get("destination") or {}).get("properties") or {}
    wrapper = properties.get("deadLetterWithResourceIdentity") or {}
    letters = (wrapper.get("deadLetterDestination") or properties.get("deadLetterDestination") or {}).get("properties")
    rules = properties.get("filter") or {}
    return Subscription(
        name=str(raw["name"]),
        event_types=_texts(rules, "includedEventTypes"),
        begins_with=str(rules.get("subjectBeginsWith") or ""),
        ends_with=str(rules.get("subjectEndsWith") or ""),
        subject_prefixes=_filter_values(rules, "subject", "StringBeginsWith"),
        apis=_filter_values(rules, "data.api", "StringIn"),
        function=str(destination.get("resourceId") or ""),
        host=urlsplit(str(destination.get("endpointBaseUrl") or destination.get("endpointUrl") or "")).netloc,
        dead_letter_account=str((letters or {}).get("resourceId") or "").rpartition("/")[2],
        dead_letter_container=str((letters or {}).get("blobContainerName") or ""),
        state=str(properties.get("provisioningState") or "Succeeded"),
    )


def _filter_values(rules: Mapping[str, Any], key: str, operator: str) -> tuple[str, ...]:
    """The values of the advanced filter with *operator* on *key*; empty where there is none."""
    for advanced_filter in rules.get("advancedFilters") or ():
        if str(advanced_filter.get("key", "")).lower() == key and advanced_filter.get("operatorType") == operator:
            return _texts(advanced_filter, "values")
    return ()


def _texts(raw: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(map(str, raw.get(name) or ()))
