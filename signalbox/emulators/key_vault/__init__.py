"""Azure Key Vault's keys over their real wire: EC P-256 keys that sign and verify, and are never given out."""
