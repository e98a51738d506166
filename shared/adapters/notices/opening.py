"""The channel of a kind, as the settings describe it. What is not set up is refused when a letter is to be sent."""

from typing import Protocol

from azure.core.credentials import TokenCredential

from shared.domain.failures import Refused
from shared.domain.notices.addresses import read_mail_server, read_webhooks
from shared.domain.notices.recipients import ChannelKind
from shared.ports import NoticeChannel


class ChannelSettings(Protocol):
    """What is asked of the settings."""

    @property
    def smtp_server(self) -> str: ...
    @property
    def mail_service(self) -> str: ...
    @property
    def teams_webhooks(self) -> str: ...


def open_channel(kind: ChannelKind, settings: ChannelSettings, credential: TokenCredential) -> NoticeChannel:
    """Raises Refused where the settings lack what it needs."""
    if kind is ChannelKind.TEAMS:
        from shared.adapters.notices.teams import TeamsChannel

        return TeamsChannel(read_webhooks(settings.teams_webhooks))
    if kind is ChannelKind.COMMUNICATION_SERVICES:
        if not settings.mail_service:
            raise Refused("SIGNALBOX_MAIL_SERVICE is not set, so no mail can be sent by Communication Services")
        from shared.adapters.notices.communication_services import CommunicationServicesChannel

        return CommunicationServicesChannel(settings.mail_service, credential)
    if not settings.smtp_server:
        raise Refused("SIGNALBOX_SMTP_SERVER is not set, so no mail can be sent by SMTP")
    from shared.adapters.notices.smtp import SmtpChannel

    return SmtpChannel(read_mail_server(settings.smtp_server))
