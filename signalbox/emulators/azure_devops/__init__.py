"""Azure DevOps on loopback: pipelines that call checks, approvals, service hooks and pull requests; not its agents."""
