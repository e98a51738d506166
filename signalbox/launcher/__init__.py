"""Starts the local cloud and watches over it: Azurite, the emulators and the host, each a process of its own."""
