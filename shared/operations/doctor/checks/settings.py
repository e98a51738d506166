"""Settings that the configuration asks for. Those that nothing works without are refused when the app starts."""

from shared.operations.doctor.findings import Findings, Said, Site, check


@check
def settings(site: Site) -> Findings:
    seen, ladder = site.settings, site.configuration.ladder
    said = Said("settings", "SIGNALBOX_RECEIPT_KEY")
    if ladder.stages and not seen.receipt_key:
        yield said.broken("is not set, so no promotion can move", "set a Key Vault reference to 32 random characters")
    else:
        yield said.ok("is set" if seen.receipt_key else "is not needed: no ladder is configured")
    said = Said("settings", "SIGNALBOX_TOKEN_ISSUER")
    if not seen.token_issuer:
        yield said.broken("is not set, so nobody can sign in", "set https://login.microsoftonline.com/TENANT/v2.0")
    else:
        yield said.ok(f"is {seen.token_issuer}")
