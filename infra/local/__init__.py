"""An Azure of one machine for `infra.deploy`: what the templates evaluate to, kept in a file instead of deployed.

It stands in for the command `az` where an emulated agent runs a pipeline, and knows no more than the pipelines ask.
"""
