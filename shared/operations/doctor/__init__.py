"""Find what would keep the app from working, before anything does not work: registered checks that return findings.

Each subject is a file in `shared.operations.doctor.checks`. A check changes nothing; see docs/doctor.md.
"""
