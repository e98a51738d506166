"""The audit log as a verifiable log in blobs: entries, signed tree heads, tiles, verification and publication.

Every blob is create-only, so that the container can lie under a locked immutability policy. docs/audit-log.md has the
forms and says what an attacker can still do. The tree itself is `shared.domain.trust.merkle`.
"""
