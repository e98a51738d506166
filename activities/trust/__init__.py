"""Statements on what was taken back and revoked, and the look at the audit log. Who signs decisions is in promotion."""
