"""Routes of Azure DevOps."""
