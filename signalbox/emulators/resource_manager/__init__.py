"""Azure Resource Manager itself: resources, roles, locks, deployments, stacks, and what is deleted softly."""
