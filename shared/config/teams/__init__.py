"""A configuration that is split by team: how its files become one, and what keeps the teams apart."""
