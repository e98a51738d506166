"""The commands, a module for each subject. `signalbox.cli.main` puts them together."""
