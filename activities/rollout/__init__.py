"""The activities of a rollout."""
