"""A production rollout: how traffic moves to a new version, what is compared on the way, and how it is judged."""
