"""The app of the promotions' tests, for attackers who may write its records.

It names the fixture for this folder, and stands alone for that.
"""

from tests.promotion.conftest import app

__all__ = ["app"]
