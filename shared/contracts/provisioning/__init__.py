"""What crosses the Durable boundary for provisioning: orders, and what stands."""

from shared.contracts.provisioning.orders import *  # noqa: F403
from shared.contracts.provisioning.standings import *  # noqa: F403
