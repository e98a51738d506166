"""Records of notices to people."""
