"""The service desk by its settings. It stands alone, because the client knows no settings and the desk no client's."""

from shared.adapters.service_now.client import ServiceNowRest
from shared.adapters.service_now.desk import ServiceNowDesk
from shared.domain.failures import Refused


def open_service_desk(instance: str, client: str, secret: str) -> ServiceNowDesk:
    """Raises Refused where no instance is set."""
    if not instance:
        raise Refused("ServiceNow is not set up here; set SERVICE_NOW_URL and the client's id and secret")
    return ServiceNowDesk(ServiceNowRest(instance, client, secret))
