"""The pages about versions in production: rollouts, what serves, and the way back."""
