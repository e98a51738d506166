"""What the doors about the app itself do: whether it lives and is ready, what it is told, and how it is called."""

import asyncio
from typing import Any

from triggers.http.door import Call
from triggers.http.operations.dependency_checks import PATIENCE_S, ping
from triggers.http.operations.models import list_all, show_one
from triggers.http.responses import system as answers


async def health(call: Call) -> answers.Alive:
    """Whether the app lives: its settings and configuration are valid"""
    return answers.Alive(status="alive", routes=tuple(route.name for route in call.clients.configuration.routes))


async def readiness(call: Call) -> answers.Readiness:
    """Each dependency asked whether it answers, all at once, in at most five seconds"""
    looks = call.clients.dependencies
    found = await asyncio.gather(*(ping(name, look, PATIENCE_S) for name, look in looks.items()))
    return answers.Readiness(ready=all(each.ready for each in found), dependencies=tuple(found))


async def openapi(call: Call) -> dict[str, Any]:
    """This document"""
    from triggers.http.openapi import document  # It describes this module too.

    del call
    return document()


async def show_configuration(call: Call) -> answers.Configured:
    """Routes, schedules, ladder and who may do what; read only"""
    told = call.clients.configuration
    return answers.Configured(
        environments=told.workspaces,
        routes=told.routes,
        schedules=told.schedules,
        ladder=told.ladder.stages,
        permissions=tuple(
            answers.PersonaPermissions(
                role=each.role.name, allows={action.value: where for action, where in each.allows.items()}
            )
            for each in told.permissions.personas
        ),
    )


async def list_models(call: Call) -> answers.ModelPage:
    """The models that the configuration knows"""
    return list_all(call.clients)


async def show_model(call: Call, model: str) -> answers.ModelShown:
    """A model's versions in each environment and in the central registry"""
    return await asyncio.to_thread(show_one, call.clients, model)
