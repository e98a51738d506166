"""One installation: its file of parameters, the order of its deployments, and what each is given of those before.

The pipelines use the same order and the same parameters: `python -m infra.check.parameters`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.check.evaluation import Evaluation, Files, evaluate
from infra.check.findings import Place, TemplateError
from infra.check.values import Deployed, Deployment

GENERATED = "generated/signalbox.json"
_PLATFORM = ("location", "tags", "profile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A deployment: *template* to *deployment* with *parameters*."""

    name: str
    template: str
    deployment: Deployment
    parameters: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Installed:
    """All that an installation would have: *data* is the generated file, *parameters* the installation's own."""

    profile: str
    data: dict[str, Any]
    parameters: dict[str, Any]
    evaluations: dict[str, Evaluation] = field(default_factory=dict)

    @property
    def resources(self) -> list[Deployed]:
        return [resource for evaluation in self.evaluations.values() for resource in evaluation.resources]

    def of_type(self, *types: str) -> list[Deployed]:
        """The resources of *types* that are created, and not only referred to."""
        return [resource for resource in self.resources if resource.type in types and not resource.existing]


def step_names(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The deployments in their order; subscriptions come last, after the code."""
    registry = ("registry",) if data["registry"]["name"] else ()
    return (
        "platform",
        "hub",
        *(f"team-hub:{name}" for name in data["hubs"]),
        *(f"team:{name}" for name in data["environments"]),
        *registry,
        "subscriptions",
        *(f"team-subscriptions:{name}" for name in data["hubs"]),
    )


def step(name: str, parameters: dict[str, Any], data: dict[str, Any], outputs: Mapping[str, Any]) -> Step:
    """The deployment called *name*; *outputs* are those of the deployments before it, by step.

    Raises KeyError where one of them is missing, or the installation's file lacks a part.
    """
    shared = {name: parameters[name] for name in ("tags", "location")}
    platform = outputs.get("platform", {})
    kind, _, part = name.partition(":")
    match kind:
        case "platform":
            values = {**parameters["platform"], **{part: parameters[part] for part in _PLATFORM}}
            return _step(name, "platform.bicep", parameters["subscription"], parameters["resourceGroup"], values)
        case "team":
            return _team(name, part, parameters, data, outputs)
        case "team-hub":
            return _team_hub(name, part, parameters, data, outputs)
        case "hub":
            values = {
                **shared,
                **parameters["hub"],
                "profile": parameters["profile"],
                "appPrincipalId": platform["appPrincipalId"],
                "bus": _bus(platform["busId"]),
                "logsId": platform["logsId"],
            }
            return _step(name, "hub.bicep", data["hub"]["subscription"], data["hub"]["resourceGroup"], values)
        case "registry":
            values = {
                **shared,
                **parameters["registry"],
                "profile": parameters["profile"],
                "appPrincipalId": platform["appPrincipalId"],
                "logsId": platform["logsId"],
            }
            return _step(
                name, "registry.bicep", data["registry"]["subscription"], data["registry"]["resourceGroup"], values
            )
    return _subscriptions(name, part, parameters, data, outputs)


def _team_hub(
    name: str, hub: str, parameters: dict[str, Any], data: dict[str, Any], outputs: Mapping[str, Any]
) -> Step:
    platform, row = outputs["platform"], data["hubs"][hub]
    values = {
        "location": parameters["location"],
        "tags": parameters["tags"],
        "profile": parameters["profile"],
        "hubName": hub,
        "appPrincipalId": platform["appPrincipalId"],
        # The groups of the installation are those of all teams: in a hub of one of them they have nothing to look for.
        "groups": {} if row["team"] else parameters["groups"],
        "bus": _bus(platform["busId"]),
        "logsId": platform["logsId"],
        **parameters["teamHubs"][hub],
    }
    return _step(name, "team-hub.bicep", row["subscription"], row["resourceGroup"], values)


def _subscriptions(
    name: str, hub: str, parameters: dict[str, Any], data: dict[str, Any], outputs: Mapping[str, Any]
) -> Step:
    """Of the Data Hub, or of the team's hub called *hub*."""
    platform, row = outputs["platform"], data["hubs"][hub] if hub else data["hub"]
    by_queue = parameters["subscriptions"]["delivery"] == "queue"
    destination = (
        f"{platform['busId']}/queues/events" if by_queue else f"{platform['appId']}/functions/receive_hub_event"
    )
    values = {
        **parameters["subscriptions"],
        "rows": row["subscriptions"] if hub else data["subscriptions"],
        "topicName": outputs[f"team-hub:{hub}" if hub else "hub"]["topicName"],
        "lettersAccountId": outputs["hub"]["accountId"],
        "destinationId": destination,
    }
    return _step(name, "subscriptions.bicep", row["subscription"], row["resourceGroup"], values)


def install(files: Files, path: str) -> Installed:
    """Evaluate every deployment of the installation in *path*. Raises TemplateError."""
    parameters, data = _json(files, path), _json(files, GENERATED)
    installed = Installed(profile=parameters["profile"], data=data, parameters=parameters)
    outputs = dict[str, dict[str, Any]]()
    for name in step_names(data):
        try:
            planned = step(name, parameters, data, outputs)
        except KeyError as missing:
            raise TemplateError(Place(path, 1), f"step {name} needs {missing}", "references") from missing
        evaluation = evaluate(files, planned.template, planned.parameters, planned.deployment)
        installed.evaluations[name], outputs[name] = evaluation, evaluation.outputs
    return installed


def _team(
    name: str, environment: str, parameters: dict[str, Any], data: dict[str, Any], outputs: Mapping[str, Any]
) -> Step:
    platform, row = outputs["platform"], data["environments"][environment]
    values = {
        "location": parameters["location"],
        "tags": parameters["tags"],
        "profile": parameters["profile"],
        "environmentName": environment,
        "appPrincipalId": platform["appPrincipalId"],
        "groups": parameters["groups"],
        "hubAccountId": outputs["hub"]["accountId"],
        "insightsId": platform["insightsId"],
        "logsId": platform["logsId"],
        "actionsId": platform["actionsId"],
        "customerKey": parameters["customerKey"],
        "bus": _bus(platform["busId"]),
        "deploymentPrincipalId": "",  # Not every team has pipelines of its own.
        **parameters["teams"][environment],
    }
    return _step(name, "team.bicep", row["subscription"], row["resourceGroup"], values)


def _step(name: str, template: str, subscription: str, group: str, values: dict[str, Any]) -> Step:
    deployment = Deployment(subscription=subscription, group=group, location=values.get("location", ""))
    return Step(name=name, template=template, deployment=deployment, parameters=values)


def _bus(identifier: str) -> dict[str, str]:
    parts = identifier.split("/")
    return {"subscription": parts[2], "resourceGroup": parts[4], "name": parts[-1]}


def _json(files: Files, path: str) -> dict[str, Any]:
    return dict(json.loads(files.text(path, Place(path, 1))))
