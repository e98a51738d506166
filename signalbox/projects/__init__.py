"""A team's project: what its configuration says, its deployable folder, and the template it begins with."""
