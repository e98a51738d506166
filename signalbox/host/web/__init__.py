"""What the host answers by itself: its home page, its administration, and who may call what."""
