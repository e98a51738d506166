"""The only seam to the Durable Functions SDK (1.7): context, registration, starting, and how failures cross.

SDK 2.x would change this folder and nothing else.
"""
