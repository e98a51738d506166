"""Bring a team's model to a workspace: register, deploy, flag, ask. The same on the local cloud and on Azure ML."""
