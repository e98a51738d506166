"""Workflows of provisioning: an order to its verified end, and what stands to its drift and its teardown."""
