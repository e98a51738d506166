"""Tests of the emulators; a package, so that their Azure ML ends with the last of them."""
