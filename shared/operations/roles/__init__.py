"""Which Azure roles the app needs, derived from what its ports declare that they do. It grants nothing.

`python -m shared.operations.roles` writes docs/roles.md; the doctor compares the same table with the identity's rights.
"""
