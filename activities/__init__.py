"""Side effects, one body per contract: `body(clients, request)`. Every one is safe to repeat."""
