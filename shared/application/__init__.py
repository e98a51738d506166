"""Use cases, a folder a capability: what starts something, decides what a request becomes, or says where it stands."""
