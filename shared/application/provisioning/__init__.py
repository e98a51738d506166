"""Use cases of provisioning: what a request becomes, what stands, and who ends it."""
