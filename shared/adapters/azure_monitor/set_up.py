"""What is set up around an online endpoint in Azure Monitor, and the quota of its region, by Resource Manager.

Contracts: Microsoft.Insights/diagnosticSettings 2021-05-01-preview, metricAlerts 2018-03-01, scheduledQueryRules
2021-08-01, actionGroups 2023-01-01; Microsoft.MachineLearningServices/locations/{usages,vmSizes} 2024-10-01.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from azure.core.credentials import TokenCredential
from azure.core.rest import HttpRequest

from shared.adapters.azure_ml.arm import pipeline, place_path, send
from shared.domain.azure.inspection import Hidden
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.ports import AlertRuleSeen, LogSetting, QuotaSeen, ServedEndpoint

_SETTINGS, _METRIC_RULES, _LOG_RULES, _GROUPS = "2021-05-01-preview", "2018-03-01", "2021-08-01", "2023-01-01"
_ML = "2024-10-01"


class AzureMonitorSetUp:
    """Implements `shared.ports.MonitoringSetUp`."""

    def __init__(self, credential: TokenCredential, resource_manager: str) -> None:
        self._base = resource_manager
        self._pipeline = pipeline(resource_manager, credential, f"{resource_manager}/.default")

    def log_settings(self, served: ServedEndpoint) -> tuple[LogSetting, ...]:
        endpoint = f"{place_path(served.workspace)}/onlineEndpoints/{quote(served.endpoint)}"
        raw = self._get(f"{endpoint}/providers/Microsoft.Insights/diagnosticSettings", _SETTINGS) or {}
        return tuple(map(_log_setting, raw.get("value") or ()))

    def alert_rule(self, workspace: Workspace, name: str) -> AlertRuleSeen | None:
        insights = f"{place_path(workspace).partition('/providers/')[0]}/providers/Microsoft.Insights"
        for kind, version in (("metricAlerts", _METRIC_RULES), ("scheduledQueryRules", _LOG_RULES)):
            raw = self._get(f"{insights}/{kind}/{quote(name)}", version)
            if raw is not None:
                return self._alert_rule(raw)
        return None

    def quota(self, workspace: Workspace, sku: str) -> QuotaSeen | None:
        place = self._get(place_path(workspace), _ML) or {}
        location = f"/subscriptions/{workspace.subscription}/providers/Microsoft.MachineLearningServices/locations/"
        location += quote(str(place.get("location") or ""), safe="")
        sizes, usages = (self._get(f"{location}/{kind}", _ML) or {} for kind in ("vmSizes", "usages"))
        size = next((raw for raw in _values(sizes) if str(raw.get("name")).lower() == sku.lower()), None)
        if size is None:
            return None
        family = str(size.get("family"))
        usage = next((raw for raw in _values(usages) if _usage_name(raw) == family.lower()), None)
        if usage is None:
            return None
        try:
            cores, used, limit = int(size["vCPUs"]), int(usage["currentValue"]), int(usage["limit"])
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(f"read the quota of {sku}: the answer has another form than documented: {error!r}") from error
        return QuotaSeen(family=family, cores=cores, used=used, limit=limit)

    def _alert_rule(self, raw: Mapping[str, Any]) -> AlertRuleSeen:
        """Metric rules list their actions, and log rules the ids of groups."""
        properties = raw["properties"]
        actions = properties.get("actions") or ()
        groups = (
            actions.get("actionGroups") or ()
            if isinstance(actions, Mapping)
            else [action.get("actionGroupId") for action in actions]
        )
        receivers = [receiver for group in groups for receiver in self._receivers(str(group))]
        return AlertRuleSeen(
            name=str(raw["name"]),
            enabled=bool(properties.get("enabled", True)),
            scopes=tuple(map(str, properties.get("scopes") or ())),
            webhooks=tuple(_address(str(receiver.get("serviceUri") or "")) for receiver in receivers),
            common_schema=all(receiver.get("useCommonAlertSchema") is True for receiver in receivers),
        )

    def _receivers(self, group: str) -> Iterator[Mapping[str, Any]]:
        raw = self._get(group, _GROUPS)
        properties = (raw or {}).get("properties") or {}
        if properties.get("enabled", True):
            yield from properties.get("webhookReceivers") or ()

    def _get(self, path: str, version: str) -> dict[str, Any] | None:
        action = f"read {path}"
        request = HttpRequest("GET", f"{self._base}{path}?api-version={version}")
        answer = send(self._pipeline, request, action, accept=(200, 401, 403, 404))
        if answer.status_code in (401, 403):
            raise Hidden(f"{action}: the app's identity may not look")
        return None if answer.status_code == 404 else dict(answer.json())


def _log_setting(raw: Mapping[str, Any]) -> LogSetting:
    properties = raw["properties"]
    logs = [log for log in properties.get("logs") or () if log.get("enabled")]
    return LogSetting(
        name=str(raw["name"]),
        categories=tuple(str(log.get("category") or log.get("categoryGroup")) for log in logs),
        workspace=str(properties.get("workspaceId") or ""),
    )


def _address(url: str) -> str:
    """Without its query, which may hold a key."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


def _values(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(page.get("value") or ())


def _usage_name(raw: Mapping[str, Any]) -> str:
    return str((raw.get("name") or {}).get("value") or "").lower()
