"""What the product needs from the world, named after the need; `shared.adapters` are the vendors that meet it.

Every method raises `Refused` for what trying again cannot mend and `Transient` for what it can.
"""

from shared.ports.collected import CollectedFiles, CollectedLine
from shared.ports.control import ControlPlane
from shared.ports.datasets import DatasetFiles
from shared.ports.devops import DevOpsApprovals, DevOpsFacts, DevOpsPipelines, Secrets, ServerTasks
from shared.ports.drift import DriftFiles
from shared.ports.inference import (
    Announcer,
    BatchJob,
    Blob,
    Clock,
    DataChecks,
    DataHub,
    Folder,
    HubFile,
    Job,
    JobLogs,
    Jobs,
    LabelledImage,
    Ledger,
    RowFiles,
)
from shared.ports.messaging import Messenger, Queues
from shared.ports.monitoring import AlertRuleSeen, LogSetting, MonitoringSetUp, QuotaSeen
from shared.ports.notices import NoticeChannel, NoticeMessage, SendingStanding
from shared.ports.pipelines import DataAssets, Pipelines
from shared.ports.promotion import (
    AssetKind,
    AuditLog,
    AuditReport,
    BundleStore,
    DeploymentSeen,
    EndpointKind,
    EndpointResponse,
    Endpoints,
    EndpointSeen,
    Identities,
    LogLook,
    Models,
    OnlineRequest,
    Place,
    ProjectFunctions,
    RegisteredModel,
    Shelf,
    StoredFile,
    WantedDeployment,
)
from shared.ports.provisioning import DevOpsSetUp, PipelineFiles, Provisioner, ServiceDesk
from shared.ports.rollout import Alerts, DeploymentMinute, FiringAlert, ServedEndpoint, TrafficFigures
from shared.ports.sign_in import BrowserSignIn, Sealer, SignedIn, SignInRequest
from shared.ports.traffic import ClientFigures, ClientMinute, OutputBins, OutputFigures, OutputMinute
from shared.ports.trust import Signing, SigningKeys, TreeHeadPublisher

__all__ = [
    "AlertRuleSeen",
    "Alerts",
    "Announcer",
    "AssetKind",
    "AuditLog",
    "AuditReport",
    "BatchJob",
    "Blob",
    "BrowserSignIn",
    "BundleStore",
    "ClientFigures",
    "ClientMinute",
    "Clock",
    "CollectedFiles",
    "CollectedLine",
    "ControlPlane",
    "DataAssets",
    "DataChecks",
    "DataHub",
    "DatasetFiles",
    "DeploymentMinute",
    "DeploymentSeen",
    "DevOpsApprovals",
    "DevOpsFacts",
    "DevOpsPipelines",
    "DevOpsSetUp",
    "DriftFiles",
    "EndpointKind",
    "EndpointResponse",
    "EndpointSeen",
    "Endpoints",
    "FiringAlert",
    "Folder",
    "HubFile",
    "Identities",
    "Job",
    "JobLogs",
    "Jobs",
    "LabelledImage",
    "Ledger",
    "LogLook",
    "LogSetting",
    "Messenger",
    "Models",
    "MonitoringSetUp",
    "NoticeChannel",
    "NoticeMessage",
    "OnlineRequest",
    "OutputBins",
    "OutputFigures",
    "OutputMinute",
    "PipelineFiles",
    "Pipelines",
    "Place",
    "ProjectFunctions",
    "Provisioner",
    "Queues",
    "QuotaSeen",
    "RegisteredModel",
    "RowFiles",
    "Sealer",
    "Secrets",
    "SendingStanding",
    "ServedEndpoint",
    "ServerTasks",
    "ServiceDesk",
    "Shelf",
    "SignInRequest",
    "SignedIn",
    "Signing",
    "SigningKeys",
    "StoredFile",
    "TrafficFigures",
    "TreeHeadPublisher",
    "WantedDeployment",
]
