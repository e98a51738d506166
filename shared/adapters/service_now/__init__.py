"""ServiceNow by its Table API, as an OAuth client."""
