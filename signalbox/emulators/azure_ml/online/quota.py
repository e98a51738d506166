"""The quota of a subscription's online deployments: the sizes there are, and how many cores of each are in use.

Contracts: Microsoft.MachineLearningServices/locations/{vmSizes,usages}, 2024-10-01. Each size is a family of its own
here, and every region has the same quota.
"""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Entrance
from signalbox.emulators.azure_ml.estate import PROVIDER
from signalbox.emulators.azure_ml.online.conditions import Conditions, Limits
from signalbox.emulators.azure_ml.online.rules import USUAL_SKU, cores_needed, cores_of
from signalbox.emulators.azure_ml.resources import Resources


def cores_in_use(resources: Resources, subscription: str, limits: Limits) -> dict[str, dict[str, int]]:
    """By size, and by the id of each managed deployment of the subscription."""
    used = dict[str, dict[str, int]]()
    for path, resource in resources.below(f"/subscriptions/{subscription}"):
        if "/onlineendpoints/" not in path or "/deployments/" not in path:
            continue
        if resource["properties"].get("endpointComputeType") == "Managed":
            sku = resource["properties"].get("instanceType") or USUAL_SKU
            used.setdefault(sku, {})[resource["id"]] = cores_needed(sku, resource["sku"]["capacity"], limits)
    return used


class QuotaDoors:
    def __init__(self, entrance: Entrance, resources: Resources, conditions: Conditions) -> None:
        self._entrance, self._resources, self._conditions = entrance, resources, conditions

    def add_to(self, app: web.Application) -> None:
        location = f"/subscriptions/{{subscription}}/providers/{PROVIDER}/locations/{{location}}"
        app.router.add_get(f"{location}/vmSizes", self._sizes)
        app.router.add_get(f"{location}/usages", self._usages)

    async def _sizes(self, request: web.Request) -> web.Response:
        sizes = [{"name": sku, "family": _family(sku), "vCPUs": cores_of(sku)} for sku in self._skus(request)]
        return web.json_response({"value": sizes})

    async def _usages(self, request: web.Request) -> web.Response:
        skus, limits = self._skus(request), self._conditions.limits
        used = self._in_use(request)
        usages: list[dict[str, Any]] = [
            {
                "id": f"{request.path}/{_family(sku)}",
                "type": f"{PROVIDER}/usages",
                "unit": "Count",
                "currentValue": sum(used.get(sku, {}).values()),
                "limit": limits.cores.get(sku, limits.cores.get("*", 0)),
                "name": {"value": _family(sku), "localizedValue": f"{sku} vCPUs"},
            }
            for sku in skus
        ]
        return web.json_response({"value": usages})

    def _skus(self, request: web.Request) -> list[str]:
        """The usual size, those with a quota of their own, and those that are deployed."""
        self._entrance.check_token(request)
        return sorted({USUAL_SKU, *self._conditions.limits.cores, *self._in_use(request)} - {"*"})

    def _in_use(self, request: web.Request) -> dict[str, dict[str, int]]:
        return cores_in_use(self._resources, request.match_info["subscription"], self._conditions.limits)


def _family(sku: str) -> str:
    return f"{sku.replace('_', '')}Family"
