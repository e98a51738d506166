"""Tests, intervals and resampling that know nothing of models."""
