"""`python -m signalbox.cli`: the same command where its script is not installed.

Python looks for it by this name, so it stands alone.
"""

from signalbox.cli.main import main

if __name__ == "__main__":
    main(prog_name="signalbox")
