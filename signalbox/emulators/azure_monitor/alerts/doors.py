"""Alert rules, action groups and alerts as resources of Resource Manager, and what was sent, for tests to see.

Contracts: Microsoft.Insights/metricAlerts 2018-03-01, /actionGroups 2023-01-01, Microsoft.AlertsManagement/alerts.
"""

from dataclasses import asdict
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Refusal, bad, not_found
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_monitor.access import Gatehouse
from signalbox.emulators.azure_monitor.alerts.alarms import Alarms, about, common_schema, managed_alert
from signalbox.emulators.azure_monitor.alerts.rules import AlertRule
from signalbox.emulators.azure_monitor.alerts.webhooks import Webhooks

_GROUPS = "/groups"
_GROUP_KIND = "Microsoft.Insights/actionGroups"
_PAGE = 250


class ActionGroups:
    """Who hears of an alert: the webhooks of the action groups of its rule, each in the common schema."""

    def __init__(self, resources: Resources, webhooks: Webhooks) -> None:
        self._resources, self._webhooks = resources, webhooks

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises 400 for webhooks without the common schema, which alone is emulated."""
        receivers = (body.get("properties") or {}).get("webhookReceivers") or ()
        if not all(receiver.get("serviceUri") and receiver.get("useCommonAlertSchema") for receiver in receivers):
            raise bad("emulated are webhook receivers with a serviceUri and with useCommonAlertSchema: true")
        document = {"id": path, "name": path.rpartition("/")[2], "type": _GROUP_KIND, **body}
        self._resources.put(f"{_GROUPS}{path}", document)
        return document

    def find(self, path: str) -> dict[str, Any] | None:
        return self._resources.get(f"{_GROUPS}{path}")

    def delete(self, path: str) -> bool:
        return self._resources.delete(f"{_GROUPS}{path}")

    def notify(self, rule: AlertRule, alert: dict[str, Any]) -> None:
        for path, properties in rule.properties.items():
            group = (self.find(path) or {}).get("properties") or {}
            if group.get("enabled", True):
                for receiver in group.get("webhookReceivers") or ():
                    self._webhooks.send(receiver["serviceUri"], common_schema(alert, properties))


class AlertDoors:
    def __init__(self, gatehouse: Gatehouse, alarms: Alarms, groups: ActionGroups, webhooks: Webhooks) -> None:
        self._gatehouse, self._alarms, self._webhooks = gatehouse, alarms, webhooks
        self._stores: dict[str, Alarms | ActionGroups] = {"metricalerts": alarms, "actiongroups": groups}

    def add_to(self, app: web.Application) -> None:
        # Ids are cased anyhow: those in a rule's actions are, above all.
        group = "/{subscriptions:(?i:subscriptions)}/{s}/{groups:(?i:resourceGroups)}/{g}"
        scope = f"{group}/{{providers:(?i:providers)}}/{{insights:(?i:Microsoft.Insights)}}"
        resource = f"{scope}/{{kind:(?i:metricAlerts|actionGroups)}}/{{name}}"
        app.router.add_put(resource, self._put)
        app.router.add_get(resource, self._get)
        app.router.add_delete(resource, self._delete)
        app.router.add_get("/{scope:subscriptions/.+?}/providers/Microsoft.AlertsManagement/alerts", self._list)

    async def _put(self, request: web.Request) -> web.Response:
        self._gatehouse.require_write(request, self._action(request, "write"), request.path)
        return web.json_response(self._store(request).put(request.path, await request.json()))

    async def _get(self, request: web.Request) -> web.Response:
        self._gatehouse.require_read(request, self._action(request, "read"), request.path)
        document = self._store(request).find(request.path)
        if document is None:
            raise not_found(request.path)
        return web.json_response(document)

    async def _delete(self, request: web.Request) -> web.Response:
        self._gatehouse.require_write(request, self._action(request, "delete"), request.path)
        return web.Response(status=200 if self._store(request).delete(request.path) else 204)

    async def _list(self, request: web.Request) -> web.Response:
        """Newest first, in pages; filters are targetResource, targetResourceGroup and monitorCondition."""
        scope, query = f"/{request.match_info['scope']}", request.query
        self._gatehouse.require_read(request, "Microsoft.AlertsManagement/alerts/read", scope)
        if "api-version" not in query:
            raise Refusal(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        with_context = query.get("includeContext", "false").lower() == "true"
        alerts = [
            managed_alert(alert, with_context=with_context)
            for alert in sorted(about(self._alarms.alerts(), scope), key=lambda alert: -alert["fired_at"])
        ]
        alerts = [alert for alert in alerts if _fits(alert["properties"]["essentials"], query)]
        size, start = min(int(query.get("pageCount", _PAGE)), _PAGE), int(query.get("skip", 0))
        page: dict[str, Any] = {"value": alerts[start : start + size]}
        if len(alerts) > start + size:
            page["nextLink"] = str(request.url.update_query(skip=start + size).with_scheme("https"))
        return web.json_response(page)

    def add_controls_to(self, app: web.Application) -> None:
        app.router.add_get("/_control/notifications", self._sent)
        app.router.add_post("/_control/evaluate", self._evaluate)

    async def _sent(self, request: web.Request) -> web.Response:
        del request
        return web.json_response([asdict(notification) for notification in self._webhooks.notifications])

    async def _evaluate(self, request: web.Request) -> web.Response:
        """Do now what is due."""
        del request
        self._alarms.evaluate()
        await self._webhooks.deliver()
        return web.json_response({})

    def _store(self, request: web.Request) -> Alarms | ActionGroups:
        return self._stores[request.match_info["kind"].lower()]

    def _action(self, request: web.Request, verb: str) -> str:
        return f"Microsoft.Insights/{request.match_info['kind']}/{verb}"


def _fits(essentials: dict[str, Any], query: Any) -> bool:
    names = ("targetResource", "targetResourceGroup", "monitorCondition")
    return all(query[name].lower() == str(essentials[name]).lower() for name in names if query.get(name))
