"""Assembles the app from its blueprints; no logic."""

import azure.durable_functions as df
import azure.functions as func

from activities.blueprint import activity_blueprint
from orchestrators.blueprint import blueprint as orchestrators
from shared.clients import clients
from triggers.console.blueprint import console_blueprint
from triggers.events.event_grid import hub_event_blueprint
from triggers.http.routes import api_blueprint
from triggers.queues.bindings import queue_blueprint
from triggers.timers import blueprint as timers

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

app.register_functions(orchestrators)
app.register_functions(activity_blueprint(clients))
app.register_functions(hub_event_blueprint(clients))
app.register_functions(api_blueprint(clients))
app.register_functions(console_blueprint(clients))
app.register_functions(queue_blueprint(clients))
app.register_functions(timers)
