"""In-memory implementations of the product's own ports, for tests that need no emulator."""
