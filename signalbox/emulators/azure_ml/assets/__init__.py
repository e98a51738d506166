"""Versioned assets of workspaces and registries: models, code, environments, components, data."""
