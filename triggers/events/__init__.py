"""Event Grid: envelopes to domain events, and what each event becomes."""
