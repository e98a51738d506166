"""The console: pages for people with a browser. They see and do what the API gives their session, and nothing else."""
