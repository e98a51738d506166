"""For `python -m signalbox_verify`."""

import sys

from signalbox_verify.command import main

sys.exit(main())
