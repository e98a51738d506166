"""What a hold-out can still tell: by the number of its rows, and by how many challengers have asked it."""
