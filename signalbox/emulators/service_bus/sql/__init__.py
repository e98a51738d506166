"""The SQL of rules: which messages a subscription takes, and what it changes in its copies of them.

Contract: Microsoft's pages on the syntax of SQL filters and SQL actions of subscription rules.
"""
