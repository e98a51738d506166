"""How models learn: what is retrained and watched, one model's causes and decisions, one run of training, and drift."""
