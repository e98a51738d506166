"""What is said of a rollout before it starts: what it is expected to take, to find and to cost."""
