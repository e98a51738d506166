"""What the service refuses of online endpoints and deployments: names, shares of traffic, compute, settings, quota.

Every rule has its source in the documentation of Azure ML; nothing here changes anything.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from signalbox.emulators.azure_ml.batch.scoring import seconds
from signalbox.emulators.azure_ml.doors import Refusal, bad
from signalbox.emulators.azure_ml.online.conditions import Limits

USUAL_SKU = "Standard_DS3_v2"
SETTLED = ("Succeeded", "Failed", "Canceled")
_MOST_MIRRORED = 50
_NAME = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
_LONGEST_REQUEST_S = {False: 180.0, True: 300.0}
_QUOTA = (
    "Not enough quota available for {sku} in SubscriptionId {subscription}. Current usage/limit: {used}/{limit}. "
    "Additional needed: {needed} Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-outofquota"
)


def on_kubernetes(endpoint: Mapping[str, Any]) -> bool:
    """An endpoint that names a compute target is on that cluster; the others are managed."""
    return bool(endpoint["properties"].get("compute"))


def is_settled(resource: Mapping[str, Any]) -> bool:
    return resource["properties"]["provisioningState"] in SETTLED


def judge_name(kind: str, name: str) -> None:
    if not (3 <= len(name) <= 32 and _NAME.fullmatch(name)):
        raise bad(
            f"{kind} name {name!r} is invalid: it begins with a letter, and has 3 to 32 letters, digits, single dashes"
        )


def judge_shares(endpoint: Mapping[str, Any], deployments: Iterable[str]) -> None:
    """The traffic and the mirrored traffic that *endpoint* asks for, where it has *deployments*."""
    path, properties = endpoint["id"], endpoint["properties"]
    traffic, mirror = (
        properties["traffic"],
        {name: share for name, share in properties["mirrorTraffic"].items() if share},
    )
    known_names = {name.lower() for name in deployments}
    strangers = sorted(name for name in {**traffic, **properties["mirrorTraffic"]} if name.lower() not in known_names)
    if strangers:
        raise bad(f"traffic names {', '.join(strangers)}, which {path} does not have; create the deployment first")
    if sum(traffic.values()) not in (0, 100) or min(traffic.values(), default=0) < 0:
        raise bad(f"traffic {traffic} of {path} sums to {sum(traffic.values())}; it must be 0 or 100")
    if mirror and on_kubernetes(endpoint):
        raise bad(f"mirrorTraffic is not supported for Kubernetes online endpoints; {path} is one")
    if len(mirror) > 1:
        raise bad(
            f"mirrorTraffic of {path} names {', '.join(sorted(mirror))}; traffic is mirrored to one deployment only"
        )
    if not all(0 <= share <= _MOST_MIRRORED for share in mirror.values()):
        raise bad(f"mirrorTraffic {mirror} of {path} is more than {_MOST_MIRRORED} percent")
    live = {name.lower() for name, share in traffic.items() if share}
    both = sorted(name for name in mirror if name.lower() in live)
    if both:
        raise bad(f"{', '.join(both)} of {path} cannot have live and mirrored traffic at the same time")


def judge_deployment(endpoint: Mapping[str, Any], deployment: Mapping[str, Any], limits: Limits) -> None:
    properties, kubernetes = deployment["properties"], on_kubernetes(endpoint)
    kind = "Kubernetes" if kubernetes else "Managed"
    both_names = len(endpoint["name"]) + len(deployment["name"])
    if properties["endpointComputeType"] != kind:
        raise bad(f"endpointComputeType is {properties['endpointComputeType']}; {endpoint['id']} is {kind}")
    if kubernetes and not 6 <= both_names <= 62:
        raise bad(f"the names of endpoint and deployment have {both_names} characters together; 6 to 62 are allowed")
    if not kubernetes and properties["scaleSettings"].get("scaleType") == "TargetUtilization":
        raise bad("scaleType TargetUtilization is for Kubernetes; managed deployments scale by autoscale settings")
    timeout_s = seconds(properties["requestSettings"].get("requestTimeout") or "PT5S")
    if timeout_s > _LONGEST_REQUEST_S[kubernetes]:
        raise bad(f"requestTimeout is {timeout_s:.0f} s; at most {_LONGEST_REQUEST_S[kubernetes]:.0f} s are allowed")
    instances = deployment["sku"].get("capacity") or 0
    if not 1 <= instances <= limits.instances:
        raise bad(f"capacity is {instances}; a deployment has 1 to {limits.instances} instances")


def cores_needed(sku: str, instances: int, limits: Limits) -> int:
    """ceil(1.2 x instances) x cores: a fifth more is kept for upgrades, but for exempt SKUs."""
    kept = instances if sku in limits.exempt else math.ceil(round(1.2 * instances, 6))
    return kept * cores_of(sku)


def judge_quota(subscription: str, sku: str, needed: int, used: int, limits: Limits) -> None:
    """*needed*: the cores that come to those *used* of the same SKU."""
    limit = limits.cores.get(sku, limits.cores.get("*", 0))
    if used + needed <= limit or needed <= 0:
        return
    text = _QUOTA.format(sku=sku, subscription=subscription, used=used, limit=limit, needed=needed)
    detail = f'InferencingClient HttpRequest error, error detail: {{"errors":{{"VmSize":["{text}"]}},"status":400}}'
    details = [{"code": "InferencingClientCreateDeploymentFailed", "message": detail}]
    raise Refusal(400, "BadRequest", "The request is invalid.", details)


def cores_of(sku: str) -> int:
    """Of one instance, by the names of Azure's sizes: Standard_D4s_v3 has 4 cores; those of DSv2 double from DS1 on."""
    size = re.fullmatch(r"Standard_([A-Z]+)(\d+)[a-z]*(?:_.*)?", sku, re.I)
    if size is None:
        raise bad(f"instanceType {sku!r} is not supported")
    number = int(size[2])
    return (
        2 ** (number - 1) if size[1].upper() in ("D", "DS") and sku.lower().endswith("_v2") and number < 6 else number
    )
