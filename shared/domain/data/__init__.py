"""Data contracts, reference profiles, and the judgement of what was measured."""
