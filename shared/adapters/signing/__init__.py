"""Keys that sign statements: in Key Vault, or in files on one machine; and the public keys that are trusted."""
