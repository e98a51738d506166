"""The pages of the site that are generated from the product, a module for each.

Every module has a function `page`, which takes the project's folder and returns Markdown.
"""
