"""Tests of two arms of live traffic that may be looked at any time: evidence, its state, and the verdict of a look.

Not here: where counts come from, and what follows from a verdict.
"""
