"""Signed statements: their envelopes, what they say, and which key may say it.

Nothing here signs or verifies: keys are in `shared.adapters.signing`.
"""
