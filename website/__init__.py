"""The documentation site: `make site` builds it out of docs/, offline.

Here are the build, the pages that are generated from the product, and the look of the site. The texts are in docs/.
"""
