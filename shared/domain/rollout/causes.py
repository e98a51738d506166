"""What may order a rollback. It stands alone because contracts, doors and records name it."""

from enum import StrEnum


class RollbackCause(StrEnum):
    PERSON = "person"  # Or a machine that calls the API.
    ALERT = "alert"
    REVOCATION = "revocation"  # Of the version that serves.
