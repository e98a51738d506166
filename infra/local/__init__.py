"""The command `az` of an emulated agent: what the templates evaluate to goes to the local Resource Manager.

It knows no more than the pipelines ask.
"""
