"""Azure DevOps in the product's own words: tasks that wait for us, orders, hints, approvals and runs."""
