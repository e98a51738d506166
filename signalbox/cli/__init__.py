"""The `signalbox` command: talks to a running app over HTTP, here and on Azure; `up` and `demo` bring one up here."""
