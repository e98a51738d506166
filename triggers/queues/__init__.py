"""Service Bus queues: a module for each kind of message, and the table that binds them."""
