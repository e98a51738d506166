"""Assembles the app from its blueprints; no logic."""

import azure.durable_functions as df
import azure.functions as func

from activities.blueprint import blueprint as activities
from orchestrators.blueprint import blueprint as orchestrators
from triggers.api import blueprint as api
from triggers.hub_events import blueprint as hub_events
from triggers.timers import blueprint as timers

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

for blueprint in (activities, orchestrators, api, hub_events, timers):
    app.register_functions(blueprint)
