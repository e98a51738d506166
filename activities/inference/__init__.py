"""Activities of batch inference: from the files that arrived to the published result."""
