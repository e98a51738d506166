"""Tests on the whole local cloud; a package, so that the cloud ends with the last of them."""
