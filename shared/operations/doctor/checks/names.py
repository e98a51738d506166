"""Names resolve and answer; a storage account without public access must resolve to a private address."""

from ipaddress import ip_address

from shared.domain.azure import resources
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check


@check
def names(site: Site) -> Findings:
    settings = site.settings
    for service, url in (
        ("Data Hub", settings.blob_service),
        ("topic", settings.topic_endpoint),
        ("Resource Manager", settings.resource_manager),
    ):
        report, addresses = SubjectReport("names", f"{service} {url}"), site.control.addresses(url)
        if not addresses:
            yield report.broken(
                "does not resolve", "correct the setting, or link the private DNS zone to the app's network"
            )
        elif not site.control.answers(url):
            fix = "allow the app's network there, or route its traffic through its own network"
            yield report.broken(f"resolves to {', '.join(addresses)} and does not answer", fix)
        else:
            yield report.ok("resolves and answers")
    yield from _private(site)


def _private(site: Site) -> Findings:
    account = resources.account(site.configuration)
    hub_account = site.control.find(account) if account else None
    if hub_account is not None and not hub_account.public:
        yield _check_private(site.control.addresses(site.settings.blob_service))


def _check_private(addresses: tuple[str, ...]) -> Finding:
    report = SubjectReport("names", "private access to the Data Hub")
    public_addresses = [address for address in addresses if not ip_address(address).is_private]
    if not public_addresses:
        return report.ok("resolves to a private address, as its firewall wants")
    fix = "link the private DNS zone privatelink.blob.core.windows.net to the app's network"
    return report.broken(f"is refused to the public, and resolves to {', '.join(public_addresses)}", fix)
