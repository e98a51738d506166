"""The alerts that are in force on an online endpoint and its deployments, by AlertsManagement.

Contract: https://learn.microsoft.com/rest/api/monitor/alertsmanagement/alerts/get-all. They are listed for the whole
resource group and sorted out here: an id's case differs from service to service, and deployments have ids of their own.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from azure.core.credentials import TokenCredential
from azure.core.rest import HttpRequest

from shared.adapters.allowed_hosts import refuse_other_host
from shared.adapters.azure_ml.arm import place_path
from shared.adapters.azure_monitor.bounded import BoundedService
from shared.adapters.azure_monitor.minutes import read_moment
from shared.domain.alerts import alert_name
from shared.domain.failures import Refused
from shared.ports import FiringAlert, ServedEndpoint

_API = "2019-05-05-preview"
_PAGE, _MOST_PAGES = 250, 40


class ActiveAlerts:
    """Implements `shared.ports.Alerts`."""

    def __init__(self, credential: TokenCredential, resource_manager: str) -> None:
        self._service = BoundedService(credential, resource_manager, resource_manager)

    def firing(self, served: ServedEndpoint) -> tuple[FiringAlert, ...]:
        action = f"list the alerts of {served.endpoint}"
        target = f"{place_path(served.workspace)}/onlineEndpoints/{quote(served.endpoint)}".lower()
        try:
            alerts = [_alert(raw, target) for raw in self._fired(served, action)]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Refused(f"{action}: the answer has another form than Azure documents: {error!r}") from error
        return tuple(alert for alert in alerts if alert is not None)

    def _fired(self, served: ServedEndpoint, action: str) -> Iterator[Mapping[str, Any]]:
        group = place_path(served.workspace).partition("/providers/")[0]
        query = {
            "api-version": _API,
            "monitorCondition": "Fired",
            "includeContext": "true",
            # The longest that the service keeps alerts for; it is one day where nothing is said.
            "timeRange": "30d",
            "pageCount": str(_PAGE),
        }
        path = f"{group}/providers/Microsoft.AlertsManagement/alerts"
        url: str | None = f"{self._service.address}{path}?{urlencode(query)}"
        for _ in range(_MOST_PAGES):
            if not url:
                return
            refuse_other_host(url, self._service.address, "nextLink")
            page = self._service.ask(HttpRequest("GET", url), action)
            yield from page.get("value") or ()
            url = page.get("nextLink")
        raise Refused(f"{action}: there are more than {_PAGE * _MOST_PAGES} alerts in force; resolve some")


def _alert(raw: Mapping[str, Any], endpoint: str) -> FiringAlert | None:
    """None for an alert about something else, or one that the service lists though it is resolved."""
    properties = raw["properties"]
    essentials, condition = properties["essentials"], _condition(properties.get("context") or {})
    target = str(essentials["targetResource"]).lower().rstrip("/")
    if not f"{target}/".startswith(f"{endpoint}/") or str(essentials["monitorCondition"]).lower() != "fired":
        return None
    return FiringAlert(
        id=alert_name(str(raw["id"])),
        rule=str(essentials["alertRule"]).rpartition("/")[2],
        since=read_moment(str(essentials["startDateTime"])),
        deployment=_deployment(target, condition),
        window_start=read_moment(str(condition["windowStartTime"])) if condition.get("windowStartTime") else None,
        description=str(essentials.get("description") or ""),
    )


def _condition(context: Mapping[str, Any]) -> Mapping[str, Any]:
    condition: Mapping[str, Any] = (context.get("context") or context).get("condition") or {}
    return condition


def _deployment(target: str, condition: Mapping[str, Any]) -> str:
    """Alerts on an endpoint's metrics name the deployment as a dimension, those on a deployment's by their target.

    Empty where an alert is about several deployments, or about the endpoint alone.
    """
    _, _, own = target.partition("/deployments/")
    dimensions = [
        dimension for criterion in condition.get("allOf") or () for dimension in criterion["dimensions"] or ()
    ]
    names = {str(dimension["value"]) for dimension in dimensions if str(dimension["name"]).lower() == "deployment"}
    return own or (names.pop() if len(names) == 1 else "")
