"""`python -m signalbox.cli`: the same command where its script is not installed."""

from signalbox.cli.main import main

if __name__ == "__main__":
    main(prog_name="signalbox")
