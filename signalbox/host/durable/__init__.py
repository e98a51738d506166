"""The Durable Functions runtime: histories, messages and timers in SQLite, replay by the SDK."""
