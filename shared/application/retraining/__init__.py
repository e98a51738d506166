"""Use cases of retraining: record a cause, wake the decision, and read what was decided."""
