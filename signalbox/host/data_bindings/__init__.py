"""Bindings beside the trigger: what the host fetches before a call and sends after it, by the services' own clients."""
