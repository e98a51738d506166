"""The part of Azure ML that batch inference needs, for the real `azure-ai-ml` client; jobs really run their scripts."""
