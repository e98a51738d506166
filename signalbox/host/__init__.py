"""A local Azure Functions host for Python v2 apps, with Durable Functions on SQLite.

It serves any function app unmodified. It never imports the app by name and is not meant for Azure.
"""
