"""Routes of promotions, decisions and the audit log."""
