"""Traces and metrics of what passes the seams: doors, starts, orchestrations, activities.

Only `shared.durable` and the doors call it, so that nothing else needs telemetry code. See docs/observability.md.
"""
