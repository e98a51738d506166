"""The HTTP API: the table of routes, what a request meets on its way in, and the handlers of each capability."""
