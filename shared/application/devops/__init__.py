"""Use cases of Azure DevOps."""
