"""Data sets that were published: what they are, how they are named, and what they must be."""
