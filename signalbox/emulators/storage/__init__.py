"""A front before Azurite that turns committed writes into the events Azure Storage raises; Azurite raises none."""
