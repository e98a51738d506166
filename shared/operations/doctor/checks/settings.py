"""Settings that the configuration asks for. Those that nothing works without are refused when the app starts."""

from shared.operations.doctor.findings import Findings, Said, Site, check


@check
def settings(site: Site) -> Findings:
    settings, ladder = site.settings, site.configuration.ladder
    report = Said("settings", "SIGNALBOX_RECEIPT_KEY")
    if ladder.stages and not settings.receipt_key:
        yield report.broken("is not set, so no promotion can move", "set a Key Vault reference to 32 random characters")
    else:
        yield report.ok("is set" if settings.receipt_key else "is not needed: no ladder is configured")
    report = Said("settings", "SIGNALBOX_TOKEN_ISSUER")
    if not settings.token_issuer:
        yield report.broken("is not set, so nobody can sign in", "set https://login.microsoftonline.com/TENANT/v2.0")
    else:
        yield report.ok(f"is {settings.token_issuer}")
