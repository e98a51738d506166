"""The SQLite database of the durable runtime: its schema, its SQL, and the thread that writes."""
