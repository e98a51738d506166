"""Records of production: rollouts, what served, and what is held back."""
