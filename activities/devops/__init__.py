"""Activities that stand between Azure DevOps and orchestrations: tasks, approvals, hints of hooks, pipeline runs."""
