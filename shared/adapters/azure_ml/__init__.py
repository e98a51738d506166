"""Azure Machine Learning: workspaces and registries by Resource Manager, and the regional services."""
