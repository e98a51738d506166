"""The part of Azure ML that inference and promotion need, for the real `azure-ai-ml` client; models really run."""
