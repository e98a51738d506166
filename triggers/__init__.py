"""Doors: translate what comes in, decide with pure functions, start orchestrations. Nothing here waits for work."""
