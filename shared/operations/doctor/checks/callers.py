"""Machines and their keys: one that is known by nothing can never call, and a key of nobody opens nothing."""

from shared.operations.doctor.findings import Findings, Said, Site, check


@check
def callers(site: Site) -> Findings:
    keys = {name for name, _ in site.settings.caller_keys}
    machines = site.configuration.permissions.machines
    for machine in machines:
        report = Said("callers", f"machine {machine.name}")
        if machine.app or machine.oid:
            yield report.ok("is known by its token")
        elif machine.name in keys:
            yield report.ok("is known by a key")
        else:
            fix = f"add `app` or `oid` under machines.{machine.name}, or NAME=sha256:DIGEST to SIGNALBOX_CALLER_KEYS"
            yield report.broken("has neither a token nor a key, so it can never call", fix)
    for name in sorted(keys - {machine.name for machine in machines}):
        fix = "remove it from SIGNALBOX_CALLER_KEYS, or add the machine to `machines`"
        yield Said("callers", f"key {name}").warning("belongs to no configured machine", fix)
