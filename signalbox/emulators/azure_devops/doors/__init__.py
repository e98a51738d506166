"""The REST routes of Azure DevOps, a module for each area of the API, and the control routes of tests."""
