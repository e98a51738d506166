"""Side effects of notices: letters are made of what waits in the outbox, and each is sent once."""
