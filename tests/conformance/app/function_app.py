"""The app of the conformance suite: it uses every trigger and binding that the local host serves.

Nothing in it is for one host: it runs behind `func start` and on Azure as it is.
"""

import azure.durable_functions as df
import azure.functions as func
from durable_part import blueprint as durable
from events_part import blueprint as events
from http_part import blueprint as http
from routes_part import blueprint as routes
from storage_part import blueprint as storage

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for blueprint in (http, routes, events, durable, storage):
    app.register_functions(blueprint)
