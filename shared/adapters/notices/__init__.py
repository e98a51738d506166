"""How notices reach people: SMTP, Azure Communication Services and Teams. Imported at the first letter."""
