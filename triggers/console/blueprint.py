"""The two functions of the console: the way to it from `/`, and everything below `/console`.

Nothing of the console is imported before its first request: cold start is a budget.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.functions as func

from shared.durable.registration import Blueprint

if TYPE_CHECKING:
    from shared.clients import Clients


def console_blueprint(clients: "Callable[[], Clients]") -> Blueprint:
    """The functions; `triggers.console.pages` is the table of what they serve."""
    blueprint = Blueprint()

    async def open_console(req: func.HttpRequest) -> func.HttpResponse:
        """The address of the app itself leads to the console."""
        del req
        return func.HttpResponse(b"", status_code=303, headers={"Location": "console/", "Cache-Control": "no-store"})

    async def show_console(req: func.HttpRequest, client) -> func.HttpResponse:  # type: ignore[no-untyped-def]
        from triggers.console.serving import serve

        return await serve(client, clients, req)

    # Whom a page lets in is its own business: it asks the session, and its data asks the API's permissions.
    anonymous = func.AuthLevel.ANONYMOUS
    blueprint.route(route="", methods=["GET", "HEAD"], auth_level=anonymous)(open_console)
    endpoint = blueprint.durable_client_input(client_name="client")(show_console)
    blueprint.route(route="console/{*path}", methods=["GET", "HEAD", "POST"], auth_level=anonymous)(endpoint)
    return blueprint
