"""Side effects of provisioning: what is told of an order, its plan and change, and the set-up of Azure DevOps."""
