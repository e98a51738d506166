"""Verify the proof of one Signalbox promotion: this model, these bytes, measured so, approved by these persons.

It knows nothing but the proof, the keys that its reader trusts, and the standards: DSSE, in-toto, RFC 6962.
"""
