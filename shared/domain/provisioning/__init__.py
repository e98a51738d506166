"""Two-step provisioning: orders, the states they pass, the changes that gate them, and what Azure DevOps must have."""
