"""`python -m signalbox.host`: the host without the rest of the tool.

Python looks for it by this name, so it stands alone.
"""

from signalbox.host.command import host

if __name__ == "__main__":
    host(prog_name="signalbox-host")
