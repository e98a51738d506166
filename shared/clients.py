"""The composition root: settings become clients, each made at its first use and kept for the life of the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

from shared.adapters.system_clock import SystemClock
from shared.settings import Settings, read_settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import BlobServiceClient

    from shared import ports
    from shared.adapters.azure_devops.client import DevOpsRest
    from shared.adapters.azure_ml.arm import Arm
    from shared.adapters.azure_ml.datastores import Datastores
    from shared.adapters.azure_ml.invocations import BatchInvocations
    from shared.adapters.azure_ml.ml_client import MlAssets
    from shared.adapters.azure_ml.regions import Regions
    from shared.adapters.azure_monitor.traffic_log import TrafficLog
    from shared.adapters.signing.purpose_keys import PurposeKeys
    from shared.application.callers import Callers
    from shared.application.list_readers import ListReaders
    from shared.application.sessions import Sessions
    from shared.domain.configuration import Configuration
    from shared.domain.notices.recipients import ChannelKind
    from shared.domain.rollout.policy import CountSource
    from shared.records.statements import Statements
    from shared.records.store import RecordStore


class Clients:
    """Everything an activity may reach. Vendors are imported where they are made: importing the app stays cheap."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock: ports.Clock = SystemClock()

    @cached_property
    def configuration(self) -> Configuration:
        from shared.config import load

        configuration = load(self.settings.config_path)
        return replace(configuration, hub=replace(configuration.hub, results=self.settings.results_topic))

    @cached_property
    def hub(self) -> ports.DataHub:
        return self._open_hub(self.settings.blob_service)

    def _open_hub(self, service: str) -> ports.DataHub:
        from shared.adapters.azure_storage.hub import BlobHub

        state, layout = self.configuration.state_account, self.configuration.hub
        address = self.settings.storage_accounts.replace("{account}", state.name) if state else ""
        elsewhere = dict.fromkeys(layout.records, self._blob_service(address)) if address else {}
        for team_hub in self.configuration.hubs:
            address = self.settings.storage_accounts.replace("{account}", team_hub.account)
            elsewhere |= dict.fromkeys(team_hub.containers, self._blob_service(address))
        return BlobHub(self._blob_service(service), elsewhere=elsewhere)

    def _blob_service(self, address: str) -> BlobServiceClient:
        from azure.storage.blob import BlobServiceClient

        from shared.adapters.sessions import transport

        return BlobServiceClient(address, credential=self._credential, transport=transport())

    @property
    def store(self) -> RecordStore:
        from shared.records.store import RecordStore

        return RecordStore(self.hub, self.configuration.hub.state)

    @property
    def statements(self) -> Statements:
        from shared.records.statements import Statements

        return Statements(self.store, self.signing)

    @cached_property
    def lists(self) -> ListReaders:
        from shared.application.list_readers import ListReaders

        return ListReaders(self.statements, self.ledger, self.configuration.ladder.break_glass)

    @cached_property
    def ledger(self) -> ports.Ledger:
        from shared.adapters.azure_storage.ledger import BlobLedger

        return BlobLedger(self.hub, self.configuration.hub.state)

    @cached_property
    def jobs(self) -> ports.Jobs:
        from shared.adapters.azure_ml.jobs import AzureMlJobs

        return AzureMlJobs(self._arm, self._invocations)

    @cached_property
    def job_logs(self) -> ports.JobLogs:
        from shared.adapters.azure_ml.logs import AzureMlLogs
        from shared.adapters.azure_ml.tracking import Tracking

        return AzureMlLogs(self._datastores, Tracking(self._regions), self.settings.resource_manager)

    @cached_property
    def pipelines(self) -> ports.Pipelines:
        from shared.adapters.azure_ml.pipeline_jobs import PipelineEndpoints, PipelineJobs
        from shared.adapters.azure_ml.pipelines import AzureMlPipelines
        from shared.adapters.azure_ml.published_pipelines import PublishedPipelines
        from shared.adapters.azure_ml.tracking import Tracking

        tracking = Tracking(self._regions)
        endpoints, jobs = PipelineEndpoints(self._arm, tracking, self._invocations), PipelineJobs(self._arm, tracking)
        return AzureMlPipelines(PublishedPipelines(self._regions, tracking), endpoints, jobs, tracking)

    @cached_property
    def data_assets(self) -> ports.DataAssets:
        from shared.adapters.azure_ml.datastores import AzureMlData

        return AzureMlData(self._arm, self._ml_assets, self._datastores)

    @cached_property
    def models(self) -> ports.Models:
        from shared.adapters.azure_ml.models import AzureMlModels

        return AzureMlModels(self._arm, self._ml_assets)

    @cached_property
    def bundles(self) -> ports.BundleStore:
        from shared.adapters.azure_ml.bundles import AzureMlBundles

        return AzureMlBundles(self._arm, self._datastores, self.settings.storage_accounts)

    @cached_property
    def endpoints(self) -> ports.Endpoints:
        from shared.adapters.azure_ml.endpoints import AzureMlEndpoints as Adapter

        return Adapter(self._arm, self._credential, self.settings.ml_audience, self.settings.ml_inference_hosts)

    def traffic_figures(self, source: CountSource) -> ports.TrafficFigures:
        """The counts of an endpoint's requests, from where the configuration says."""
        if source == "collector":
            from shared.adapters.azure_monitor.collected_counts import CollectedCounts

            return CollectedCounts(self._datastores)
        return self.traffic_log if source == "traffic_log" else self.traffic_metrics

    @cached_property
    def traffic_metrics(self) -> ports.TrafficFigures:
        from shared.adapters.azure_monitor.metrics import EndpointMetrics

        return EndpointMetrics(self._credential, self.settings.resource_manager)

    @cached_property
    def traffic_log(self) -> TrafficLog:
        from shared.adapters.azure_monitor.traffic_log import TrafficLog

        return TrafficLog(self._credential, self.settings.log_analytics, dict(self.settings.log_workspaces))

    @cached_property
    def output_figures(self) -> ports.OutputFigures:
        from shared.adapters.azure_monitor.collected_outputs import CollectedOutputs

        return CollectedOutputs(self._datastores)

    @cached_property
    def collected_files(self) -> ports.CollectedFiles:
        from shared.adapters.azure_monitor.collected_files import CollectorFiles

        return CollectorFiles(self._datastores)

    @cached_property
    def monitoring_set_up(self) -> ports.MonitoringSetUp:
        from shared.adapters.azure_monitor.set_up import AzureMonitorSetUp

        return AzureMonitorSetUp(self._credential, self.settings.resource_manager)

    @cached_property
    def alerts(self) -> ports.Alerts:
        from shared.adapters.azure_monitor.alerts import ActiveAlerts

        return ActiveAlerts(self._credential, self.settings.resource_manager)

    @cached_property
    def audit(self) -> ports.AuditLog:
        from shared.adapters.audit_log.opening import open_audit_log

        return open_audit_log(self.hub, self.configuration, self.clock, self.signing, self.tree_heads)

    @cached_property
    def tree_heads(self) -> ports.TreeHeadPublisher | None:
        """Where the audit log's heads are published; None where they are not."""
        from shared.adapters.audit_log.publishers import open_publisher

        settings = self.settings
        if not settings.tree_heads:
            return None
        return open_publisher(settings.tree_heads, self._open_hub, self._credential, settings.ledger_identity)

    @cached_property
    def project_functions(self) -> ports.ProjectFunctions:
        from shared.adapters.project_functions.functions import ProjectFunctionProcesses

        return ProjectFunctionProcesses(self.settings.config_path.parent)

    @cached_property
    def signing(self) -> ports.Signing:
        return self._purpose_keys

    @cached_property
    def signing_keys(self) -> ports.SigningKeys:
        return self._purpose_keys

    @cached_property
    def _purpose_keys(self) -> PurposeKeys:
        from shared.adapters.signing.opening import open_purpose_keys

        settings, keys = self.settings, dict(self.settings.signing_keys)
        return open_purpose_keys(keys, settings.trusted_keys, settings.key_vault_hosts, self._credential)

    @cached_property
    def identities(self) -> ports.Identities:
        from shared.adapters.entra.tokens import EntraTokens

        return EntraTokens(self.settings.token_issuer, self.settings.token_audience)

    @cached_property
    def callers(self) -> Callers:
        from shared.adapters.entra.token_claims import tenant_of
        from shared.application.callers import Callers

        settings = self.settings
        keys, permissions = dict(settings.caller_keys), self.configuration.permissions
        return Callers(self.identities, permissions, keys, settings.platform_sign_in, tenant_of(settings.token_issuer))

    @cached_property
    def sign_in(self) -> ports.BrowserSignIn:
        from shared.adapters.entra.browser_sign_in import EntraSignIn
        from shared.adapters.entra.tokens import EntraTokens

        issuer, client = self.settings.token_issuer, self.settings.token_audience
        return EntraSignIn(issuer, client, EntraTokens(issuer, client), self._credential)

    @cached_property
    def sealer(self) -> ports.Sealer:
        from shared.adapters.sealed_texts import KeyedSealer

        return KeyedSealer(self.settings.session_keys)

    @cached_property
    def sessions(self) -> Sessions:
        from shared.application.sessions import Sessions

        return Sessions(self.store, self.sealer, self.configuration)

    @cached_property
    def dependencies(self) -> Mapping[str, Callable[[], object]]:
        from shared.adapters.reachability import service_looks

        return service_looks(self, self._arm)

    @cached_property
    def announcer(self) -> ports.Announcer:
        from shared.adapters.event_grid_announcer import EventGridAnnouncer
        from shared.application.notices.outbox import with_notices
        from shared.application.teams.announcements import with_teams

        announcer: ports.Announcer = EventGridAnnouncer(self.settings.topic_endpoint, self._credential)
        announcer = with_notices(announcer, self.configuration.notices, self.store, self.clock)
        return with_teams(announcer, self.configuration)

    def notice_channel(self, kind: ChannelKind) -> ports.NoticeChannel:
        from shared.adapters.notices.opening import open_channel

        return open_channel(kind, self.settings, self._credential)

    @cached_property
    def messenger(self) -> ports.Messenger:
        from shared.adapters.service_bus.messenger import ServiceBusMessenger
        from shared.adapters.service_bus.opening import connect_bus

        return ServiceBusMessenger(partial(connect_bus, self.settings, self._credential))

    @cached_property
    def queues(self) -> ports.Queues:
        from shared.adapters.service_bus.opening import connect_bus
        from shared.adapters.service_bus.queues import ServiceBusQueues
        from shared.domain.messaging import QueueDoor

        names = {QueueDoor(door): name for door, name in self.settings.queue_doors.items()}
        return ServiceBusQueues(partial(connect_bus, self.settings, self._credential), names)

    @cached_property
    def data_checks(self) -> ports.DataChecks:
        from shared.adapters.hub_files.data_checks import HubDataChecks

        return HubDataChecks(self.hub, self.settings.config_path.parent)

    @cached_property
    def dataset_files(self) -> ports.DatasetFiles:
        from shared.adapters.hub_files.dataset_files import HubDatasetFiles

        return HubDatasetFiles(self.hub)

    @cached_property
    def row_files(self) -> ports.RowFiles:
        from shared.adapters.hub_files.rows import HubRowFiles

        return HubRowFiles(self.hub)

    @cached_property
    def _invocations(self) -> BatchInvocations:
        from shared.adapters.azure_ml.invocations import BatchInvocations

        audience, hosts = self.settings.ml_audience, self.settings.ml_inference_hosts
        return BatchInvocations(self._arm, self._credential, audience, hosts)

    @cached_property
    def devops_url(self) -> str:
        return self.settings.devops_url

    @cached_property
    def internet_files(self) -> ports.InternetFiles:
        from shared.adapters.internet_files import HttpsFiles

        return HttpsFiles()

    @cached_property
    def secrets(self) -> ports.Secrets:
        from shared.adapters.azure_storage.sealed_secrets import SealedSecrets

        return SealedSecrets(self.hub, self.configuration.hub.state, self.settings.secrets_key)

    @cached_property
    def server_tasks(self) -> ports.ServerTasks:
        from shared.adapters.azure_devops.tasks import AzureDevOpsTasks

        return AzureDevOpsTasks(self._devops)

    @cached_property
    def devops_pipelines(self) -> ports.DevOpsPipelines:
        from shared.adapters.azure_devops.pipelines import AzureDevOpsPipelines

        return AzureDevOpsPipelines(self._devops)

    @cached_property
    def devops_approvals(self) -> ports.DevOpsApprovals:
        from shared.adapters.azure_devops.approvals import AzureDevOpsApprovals

        return AzureDevOpsApprovals(self._devops)

    @cached_property
    def devops_facts(self) -> ports.DevOpsFacts:
        from shared.adapters.azure_devops.approvals import AzureDevOpsFacts

        return AzureDevOpsFacts(self._devops)

    @cached_property
    def provisioner(self) -> ports.Provisioner:
        from shared.adapters.service_now.opening import open_provisioner

        return open_provisioner(*self.settings.service_now_client, self._devops)

    @cached_property
    def _devops(self) -> DevOpsRest:
        from shared.adapters.azure_devops.client import DevOpsRest

        return DevOpsRest(self._credential, self.settings.devops_url, self.settings.devops_graph_url)

    @cached_property
    def drift_files(self) -> ports.DriftFiles:
        from shared.adapters.hub_files.drift_counts import HubDriftFiles

        return HubDriftFiles(self.hub, self.settings.config_path.parent)

    @cached_property
    def control(self) -> ports.ControlPlane:
        from shared.adapters.azure_control_plane import AzureControlPlane

        return AzureControlPlane(self._credential, self.settings.resource_manager)

    @cached_property
    def _datastores(self) -> Datastores:
        from shared.adapters.azure_ml.datastores import Datastores

        return Datastores(self._arm, self._credential, self.settings.storage_accounts)

    @cached_property
    def _regions(self) -> Regions:
        from shared.adapters.azure_ml.regions import Regions

        return Regions(self._arm, self._credential, self.settings.resource_manager, self.settings.ml_api_hosts)

    @cached_property
    def _arm(self) -> Arm:
        from shared.adapters.azure_ml.arm import Arm

        return Arm(self._credential, self.settings.resource_manager)

    @cached_property
    def _ml_assets(self) -> MlAssets:
        from shared.adapters.azure_ml.ml_client import MlAssets

        return MlAssets(self._credential, self.settings.resource_manager)

    @cached_property
    def _credential(self) -> TokenCredential:
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential(managed_identity_client_id=self.settings.identity_client_id or None)


@lru_cache(maxsize=1)
def clients() -> Clients:
    """The worker's clients. Raises SettingsError naming every setting that is missing or wrong."""
    return Clients(read_settings())
