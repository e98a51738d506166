"""What a table is as a whole, whose columns nobody has described: its types, and then its figures."""
