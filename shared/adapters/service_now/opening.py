"""What provisioning reaches: ServiceNow as its client, and Azure DevOps.

It stands alone: neither the client nor the desk knows Azure DevOps.
"""

from shared.adapters.azure_devops.attachments import AzureDevOpsFiles
from shared.adapters.azure_devops.client import DevOpsRest
from shared.adapters.azure_devops.set_up import AzureDevOpsSetUp
from shared.adapters.service_now.client import ServiceNowRest
from shared.adapters.service_now.desk import ServiceNowDesk
from shared.domain.failures import Refused
from shared.ports import Provisioner


def open_provisioner(instance: str, client: str, secret: str, devops: DevOpsRest) -> Provisioner:
    """Raises Refused where no instance of ServiceNow is set."""
    if not instance:
        raise Refused("ServiceNow is not set up here; set SERVICE_NOW_URL and the client's id and secret")
    service_now = ServiceNowRest(instance, client, secret)
    return Provisioner(
        desk=ServiceNowDesk(service_now), files=AzureDevOpsFiles(devops), set_up=AzureDevOpsSetUp(devops)
    )
