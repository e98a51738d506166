"""What the pipelines run: plan an installation, apply exactly that plan, find drift, wait for the app.

It needs Python and the Azure CLI on the agent, and nothing of the app.
"""
