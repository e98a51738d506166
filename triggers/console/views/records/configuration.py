"""The configuration, all of it: as it is now, and the earlier ones that the app was found with."""

from collections.abc import Mapping
from typing import Any

from shared.domain.configuration_changes import name_of
from triggers.console.page import PageRequest, View

# By the fields of `shared.domain.configuration`, in the order in which people ask for them.
_WORDS = {
    "routes": "Routes",
    "ladder": "Ladder and models",
    "retraining": "Retraining",
    "drift": "Drift",
    "schedules": "Schedules",
    "streams": "Streams",
    "answers": "Answers of endpoints",
    "datasets": "Data sets",
    "workspaces": "Environments",
    "hub": "Data Hub",
    "permissions": "Who may do what",
    "teams": "Teams",
    "devops": "Azure DevOps",
    "hub_group": "Resource group of the hub",
    "state_account": "Account of the records",
    "hubs": "Hubs of teams",
    "bus_group": "Resource group of Service Bus",
}


async def show(request: PageRequest) -> View:
    shown = await request.api("show_whole_configuration")
    data = {"sections": sections_of(shown.sections), "digest": shown.digest, "since": shown.since, "name_of": name_of}
    return View(template="configuration.html", title="Configuration", data=data)


async def show_history(request: PageRequest) -> View:
    shown = await request.api("list_configurations")
    rows = [{"entry": entry, "key": entry.digest.removeprefix("sha256:")} for entry in shown.configurations]
    return View(template="configuration_history.html", title="Earlier configurations", data={"rows": rows})


async def show_past(request: PageRequest) -> View:
    shown = await request.api("show_past_configuration", request.parameters)
    data = {"shown": shown, "sections": sections_of(shown.sections), "name_of": name_of}
    return View(template="configuration_past.html", title=f"Configuration {shown.digest[7:19]}", data=data)


def sections_of(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sections that say anything, each with its words; one that is not known yet comes last."""
    names = [*(name for name in _WORDS if name in content), *(name for name in content if name not in _WORDS)]
    return [
        {"name": name, "words": _WORDS.get(name, name.replace("_", " ")), "content": content[name]}
        for name in names
        if content[name]
    ]
