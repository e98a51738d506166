"""Carrying a model version up the ladder: what is planned, who approves, what binds it together. Pure decisions."""
