"""Parts of Azure Resource Manager that belong to no single service: who has which role where."""
