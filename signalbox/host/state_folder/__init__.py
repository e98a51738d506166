"""The files in the host's state folder, except the database: keys, lock, spans, and the mark of a running process."""
