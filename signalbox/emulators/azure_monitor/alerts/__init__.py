"""Metric alerts: rules and action groups as resources, their evaluation, and the webhooks that hear of them."""
