"""The story of production: versions are released under load, put back where they are worse, and rolled back."""
