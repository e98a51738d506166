"""Tests of the documents; a package, so that the cloud of the documented commands ends with the last of them."""
