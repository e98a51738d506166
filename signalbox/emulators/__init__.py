"""Azure services on loopback, in the real protocols, for unmodified Azure SDK clients; for development and tests."""
