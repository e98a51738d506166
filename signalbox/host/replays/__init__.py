"""Stored histories of orchestrations, replayed turn by turn through an app's code."""
