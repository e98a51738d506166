"""The models: which version of each serves where, and who answers for it.

It stands alone as every page does; the API has the rules.
"""

import asyncio

from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked


async def show(request: PageRequest) -> View:
    filters = asked(request.query, ("sort",))
    known, now = await asyncio.gather(request.api("list_models", query=filters), request.api("show_what_serves"))
    stages = [stage.name for stage in request.clients.configuration.ladder.stages if stage.serving.online]
    serving = dict[tuple[str, str], list[object]]()
    for row in now.serving:
        serving.setdefault((row.model.partition(":")[0], row.stage), []).append(row)
    rows = [
        {"model": model, "cells": [serving.get((model.name, stage), []) for stage in stages]} for model in known.models
    ]
    return View(template="models.html", title="Models", data={"rows": rows, "stages": stages, "filters": filters})
