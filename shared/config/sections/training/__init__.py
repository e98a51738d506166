"""Training as `signalbox.yaml` orders it: on the way up the ladder, and anew while a model serves."""
