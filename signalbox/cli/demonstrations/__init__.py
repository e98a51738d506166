"""The stories that `signalbox demo` plays on a local cloud, and their shared stage. Each story checks what it says."""
