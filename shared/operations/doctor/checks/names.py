"""Names resolve and answer; a storage account without public access must resolve to a private address."""

from ipaddress import ip_address

from shared.domain.azure import resources
from shared.operations.doctor.findings import Finding, Findings, Said, Site, check


@check
def names(site: Site) -> Findings:
    seen = site.settings
    for what, url in (
        ("Data Hub", seen.blob_service),
        ("topic", seen.topic_endpoint),
        ("Resource Manager", seen.resource_manager),
    ):
        said, addresses = Said("names", f"{what} {url}"), site.control.addresses(url)
        if not addresses:
            yield said.broken(
                "does not resolve", "correct the setting, or link the private DNS zone to the app's network"
            )
        elif not site.control.answers(url):
            fix = "allow the app's network there, or route its traffic through its own network"
            yield said.broken(f"resolves to {', '.join(addresses)} and does not answer", fix)
        else:
            yield said.ok("resolves and answers")
    yield from _private(site)


def _private(site: Site) -> Findings:
    account = resources.account(site.configuration)
    there = site.control.find(account) if account else None
    if there is not None and not there.public:
        yield _judged(site.control.addresses(site.settings.blob_service))


def _judged(addresses: tuple[str, ...]) -> Finding:
    said = Said("names", "private access to the Data Hub")
    outside = [each for each in addresses if not ip_address(each).is_private]
    if not outside:
        return said.ok("resolves to a private address, as its firewall wants")
    fix = "link the private DNS zone privatelink.blob.core.windows.net to the app's network"
    return said.broken(f"is refused to the public, and resolves to {', '.join(outside)}", fix)
