"""What the sweeps could not look at when they last ran: of each part they record since when, and why."""

import json

from shared.domain.failures import Refused
from shared.operations.doctor.findings import Findings, Said, Site, check
from shared.records import paths as records

_FIX = "mend that; the next sweep tries it again (SIGNALBOX_RECONCILE_SCHEDULE)"
_MOST = 20


@check
def sweeps(site: Site) -> Findings:
    state, failures = site.configuration.hub.state, 0
    report = Said("sweeps", f"{state}/{records.SWEEPS}")
    try:
        for blob in site.hub.list(state, records.SWEEPS):
            failed = json.loads(site.hub.read(state, blob.path) or b"{}")
            for part, failure in list(failed.items())[:_MOST]:
                failures += 1
                name = blob.path.removeprefix(records.SWEEPS).removesuffix(".json")
                observation = f"is left out since {failure['since']}: {failure['because']}"
                yield Said("sweeps", f"{name}: {part}").broken(observation, _FIX)
    except Refused as refusal:
        yield report.unknown(f"cannot be read: {refusal}", "see what is found of the container")
    if not failures:
        yield report.ok("nothing was left out")
