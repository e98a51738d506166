"""The clock of this host against Azure's: tokens and signatures with a wrong time are refused."""

from shared.operations.doctor.findings import Findings, Said, Site, check

_NOTICED_S, _FATAL_S = 30.0, 300.0


@check
def clock(site: Site) -> Findings:
    skew_s = site.control.clock().skew_s
    report, difference = Said("clock", "this host"), f"differs from Azure's by {skew_s:.0f} s"
    if skew_s >= _FATAL_S:
        yield report.broken(difference, "synchronise the host's clock (NTP): tokens are refused from five minutes on")
    elif skew_s >= _NOTICED_S:
        yield report.warning(difference, "synchronise the host's clock (NTP)")
    else:
        yield report.ok(difference)
