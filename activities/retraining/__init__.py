"""Activities of retraining: causes, training sets, the pipeline's run, and the judgement of the challenger."""
