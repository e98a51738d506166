"""`python -m infra.check`: read, evaluate and judge the templates of this folder, offline.

It is a tool of development: neither the app nor the tool package imports it (docs/decisions/0034-own-bicep-subset.md).
"""
