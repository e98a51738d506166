"""The history and the artifacts of runs, and MLflow's REST interface to them."""
