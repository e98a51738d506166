"""`python -m signalbox.host`: the host without the rest of the tool."""

from signalbox.host.command import host

if __name__ == "__main__":
    host(prog_name="signalbox-host")
