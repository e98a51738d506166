"""Start what stands beside runs: windows, collectors of streaming records, data checks. Runs start in `open_runs`.

It stands alone since events, queues, HTTP and sweeps all start these here.
"""

from shared import contracts as c
from shared.domain import identity
from shared.durable.starting import Client, Start, start_once


async def open_window(client: Client, watch: c.WindowWatch) -> Start:
    """Open the window of a route's group, unless it is open."""
    window = identity.window_id(watch.route.name, watch.group)
    return await start_once(client, c.COLLECT_WINDOW, window, watch, again=True)


async def collect_records(client: Client, watch: c.RecordsWatch) -> Start:
    """Start the collector of a stream's group, unless it is at work."""
    collector = identity.collector_id(watch.stream, watch.group)
    return await start_once(client, c.COLLECT_RECORDS, collector, watch, again=True)


async def start_data_check(client: Client, check: c.FileCheck) -> Start:
    """Start the check unless it runs or has run."""
    return await start_once(client, c.CHECK_HUB_FILE, check.id, check)
