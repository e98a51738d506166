"""A rollout and a rollback across the Durable boundary."""
