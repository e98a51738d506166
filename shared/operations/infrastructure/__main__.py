"""`python -m shared.operations.infrastructure [FILE] [--profile NAME]`: print the data that `infra/` loops over.

With a profile, say which doors of the configuration it closes, and end with 1 if it closes any.
"""

import json
import sys
from pathlib import Path

from shared.config import load
from shared.domain.azure.resources import EXPERIMENT_TAG
from shared.domain.configuration import Configuration, TeamHub
from shared.operations.infrastructure.app_settings import FORBIDDEN_ON_FLEX, Source, app_settings, asked_settings
from shared.operations.infrastructure.filters import FILE_EVENTS, MODEL_EVENTS, file_subscriptions
from shared.operations.infrastructure.messaging import queues, topic
from shared.operations.infrastructure.outbound import PROFILES, closed_doors, outbound_hosts
from shared.operations.infrastructure.role_rows import deployer_rows, hub_writers, persona_rows, role_rows
from shared.operations.roles.assignments import containers

_COMMAND = "python -m shared.operations.infrastructure"


def infrastructure(configuration: Configuration) -> dict[str, object]:
    """Everything that the templates need to know of *configuration*, as plain JSON."""
    central = configuration.hub
    return {
        "generatedBy": _COMMAND,
        "hub": {
            "account": central.account,
            "subscription": configuration.hub_group.subscription if configuration.hub_group else "",
            "resourceGroup": configuration.hub_group.name if configuration.hub_group else "",
            "staging": central.staging,
            "datastore": central.datastore,
            "deadLetters": central.dead_letters,
            "audit": central.audit,
            "containers": [name for name in containers(configuration) if configuration.hub_of(name) is None],
        },
        "hubs": _hubs(configuration),
        "environments": _environments(configuration),
        "registry": _registry(configuration),
        "subscriptions": _file_events(configuration, central.account),
        "modelEvents": list(MODEL_EVENTS),
        "queues": [plan.row() for plan in queues(configuration)],
        "topic": topic(),
        "roles": role_rows(configuration),
        "personas": persona_rows(configuration),
        "deployers": deployer_rows(configuration),
        "groups": configuration.provisioning.groups if configuration.provisioning else {},
        "settings": [row.row() for row in app_settings(configuration)],
        "settingValues": {row.name: row.value for row in app_settings(configuration) if row.source is Source.VALUE},
        "askedSettings": asked_settings(configuration),
        "forbiddenSettings": list(FORBIDDEN_ON_FLEX),
        "outbound": outbound_hosts(configuration),
    }


def _hubs(configuration: Configuration) -> dict[str, object]:
    return {
        hub.name: {
            **_account(hub),
            "containers": list(hub.containers),
            "environments": list(hub.environments),
            "personas": hub_writers(configuration),
            "team": hub.team,
            "subscriptions": _file_events(configuration, hub.account),
        }
        for hub in configuration.hubs
    }


def _account(hub: TeamHub) -> dict[str, str]:
    return {"account": hub.account, "subscription": hub.group.subscription, "resourceGroup": hub.group.name}


def _environments(configuration: Configuration) -> dict[str, object]:
    rules = configuration.provisioning
    provisioned = {environment.name for environment in rules.environments} if rules else set()
    return {
        workspace.name: {
            "subscription": workspace.subscription,
            "resourceGroup": workspace.resource_group,
            "workspace": workspace.workspace,
            "registers": workspace.name in {stage.source for stage in configuration.ladder.stages},
            "aboveDevelopment": workspace.name in configuration.ladder.above_development,
            "provisioned": workspace.name in provisioned,
            "tags": {"environment": workspace.name}
            | ({EXPERIMENT_TAG: "true"} if configuration.is_of_hubs(workspace) else {}),
            "hubs": [
                {"name": hub.name, **_account(hub)} for hub in configuration.hubs if workspace.name in hub.environments
            ],
        }
        for workspace in configuration.workspaces
    }


def _file_events(configuration: Configuration, account: str) -> list[dict[str, object]]:
    return [
        {"name": plan.name, "eventTypes": list(FILE_EVENTS), "filters": plan.filters()}
        for plan in file_subscriptions(configuration, account)
    ]


def _registry(configuration: Configuration) -> dict[str, object]:
    stages = configuration.ladder.stages
    registry = next((stage.registry for stage in stages if stage.registry), None)
    if registry is None:
        return {"name": "", "subscription": "", "resourceGroup": "", "registers": False}
    return {
        "name": registry.name,
        "subscription": registry.subscription,
        "resourceGroup": registry.resource_group,
        "registers": any(stage.on_registration for stage in stages),
    }


def main(arguments: list[str]) -> int:
    profile = arguments[arguments.index("--profile") + 1] if "--profile" in arguments else ""
    files = [argument for argument in arguments if not argument.startswith("--") and argument != profile]
    configuration = load(Path(files[0] if files else "signalbox.yaml"))
    if not profile:
        sys.stdout.write(json.dumps(infrastructure(configuration), indent=2) + "\n")
        return 0
    if profile not in PROFILES:
        sys.stderr.write(f"profile {profile!r} is not one of {', '.join(PROFILES)}\n")
        return 2
    problems = list(closed_doors(configuration, profile))
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
