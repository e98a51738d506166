"""How large the console is and how fast its lists are, beside the budgets. It fails where one is exceeded.

`python bench/console.py [ROWS]` writes ROWS runs (10,000 without it) and opens a hosted app as a browser does: the
bytes of a first view as they travel, pages of 100 runs, also while runs change, and polls to which nothing happened.
The index of the runs lies in an Azurite, which it starts. How often an open tab asks is in tests/browser/test_polls.py.
"""

import asyncio
import gzip
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.lists import IndexInStorage, azurite, fill, measure, stored_hub
from shared.adapters.sealed_texts import KeyedSealer
from shared.domain.promotion.approvals import Person
from shared.records.lists.rows import RUNS, keep_listed
from signalbox.host.clock import VirtualClock
from tests.console.conftest import KEY, Browser
from tests.fakes.ports import FakeClients
from tests.fakes.sign_in import CodesOfPeople
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION
from triggers.console.static_files import files

FIRST_VIEW_KB, POLL_MS = 60.0, 50.0
PAGE_MS = {10_000: 300.0, 100_000: 500.0}
MACHINE = Person(oid="1", name="linus", roles=("PlatformEngineer", "MLEngineer"))


async def bench(count: int, service: str) -> list[str]:
    """The budgets that are exceeded; the index is in the storage *service*."""
    clock, exceeded = VirtualClock(), list[str]()
    clients = FakeClients(CONFIGURATION, clock.now)
    await asyncio.to_thread(fill, clients, count)
    state = clients.configuration.hub.state
    vars(clients)["hub"] = IndexInStorage(clients.hub, stored_hub(service, state), state)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        async with hosted(clients, clock, Path(folder), patch) as host, aiohttp.ClientSession() as session:
            settings = SimpleNamespace(console_url=f"{host.url}/console")
            sign_in = CodesOfPeople({"linus": MACHINE}, clock.now)
            vars(clients).update(settings=settings, sealer=KeyedSealer([KEY]), sign_in=sign_in)
            browser = Browser(url=host.url)
            await browser.sign_in("linus")
            cookie, etags = f"__Host-sb={browser.cookies['__Host-sb']}", dict[str, str]()

            async def look(query: str, **headers: str) -> int:
                address = f"{host.url}/console/runs?{query}"
                async with session.get(address, headers={"Cookie": cookie, **headers}) as answer:
                    etags[query] = answer.headers.get("ETag", "")
                    await answer.read()
                    return answer.status

            async def look_after_change(number: int) -> int:
                run = count - 1 - number
                name, row = f"route-{run % 25}-{run:06d}", {"outcome": "failed"}
                await asyncio.to_thread(keep_listed, clients.hub, state, RUNS, name, row)
                return await look("limit=100")

            page = await browser.get("runs")
            parts = {"the page": len(gzip.compress(page.text.encode(), 6))}
            parts |= {name: len(file.compressed) for name, file in files().items()}
            first_view = sum(parts.values()) / 1000
            print(f"first view {first_view:.1f} kB: {', '.join(f'{name} {size}' for name, size in parts.items())}")
            elements = page.text.count("<") - page.text.count("</")
            print(f"a page of runs: {len(page.text)} characters, about {elements} elements")
            newest = await measure("page, newest 100", lambda _: look("limit=100"))
            one = await measure("page, of a route", lambda number: look(f"route=route-{number % 25}"))
            changing = await measure("page, a run has changed", look_after_change)
            await look("limit=100")
            same = {"If-None-Match": etags["limit=100"], "Signalbox-Poll": "1"}
            poll = await measure("poll, unchanged", lambda _: look("limit=100", **same), 304)
            limit = PAGE_MS[min(size for size in PAGE_MS if size >= count)]
            for name, value, most in (
                ("first view, kB", first_view, FIRST_VIEW_KB),
                ("newest 100, p95 ms", newest, limit),
                ("of a route, p95 ms", one, limit),
                ("newest 100 after a change, p95 ms", changing, limit),
                ("unchanged poll, p95 ms", poll, POLL_MS),
            ):
                if value > most:
                    exceeded.append(f"{name}: {value:.1f}, and the budget is {most:g}")
    return exceeded


if __name__ == "__main__":
    started = time.perf_counter()
    with azurite() as connection:
        problems = asyncio.run(bench(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, connection))
    print(f"took {time.perf_counter() - started:.0f} s")
    sys.exit("\n".join(problems) or None)
