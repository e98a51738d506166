"""Traces of runs and promotions, from where their spans are kept: a file of this machine, or Application Insights."""
