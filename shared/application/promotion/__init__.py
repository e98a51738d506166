"""Use cases of promotion: plan it, start it, decide on it, and say where it stands."""
