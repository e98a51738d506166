"""The Signalbox tool package: the command line, a local Functions host and emulators. The app never imports it."""
