"""Names resolve and answer; a storage account without public access must resolve to a private address."""

from ipaddress import ip_address

from shared.domain.azure import resources
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check


@check
def names(site: Site) -> Findings:
    settings = site.settings
    for service, url in (
        ("Data Hub", settings.blob_service),
        *((f"hub {hub.name}", _address(site, hub.account)) for hub in site.configuration.hubs),
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
    accounts = [("the Data Hub", resources.account(site.configuration), site.settings.blob_service)]
    accounts += [
        (f"hub {hub.name}", resources.hub_account(hub), _address(site, hub.account)) for hub in site.configuration.hubs
    ]
    for title, resource, url in accounts:
        account = site.control.find(resource) if resource else None
        if account is not None and not account.public:
            yield _check_private(title, site.control.addresses(url))


def _address(site: Site, account: str) -> str:
    return site.settings.storage_accounts.replace("{account}", account)


def _check_private(title: str, addresses: tuple[str, ...]) -> Finding:
    report = SubjectReport("names", f"private access to {title}")
    public_addresses = [address for address in addresses if not ip_address(address).is_private]
    if not public_addresses:
        return report.ok("resolves to a private address, as its firewall wants")
    fix = "link the private DNS zone privatelink.blob.core.windows.net to the app's network"
    return report.broken(f"is refused to the public, and resolves to {', '.join(public_addresses)}", fix)
