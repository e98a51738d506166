"""Commands that work in a project's folder: they make it, package it, and bring its models to a workspace."""
