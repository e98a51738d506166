"""What the product needs from the world, named after the need; `shared.adapters` are the vendors that meet it.

Every method raises `Refused` for what trying again cannot mend and `Transient` for what it can.
"""

from shared.ports.control import ControlPlane
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
    Models,
    OnlineRequest,
    Place,
    RegisteredModel,
    Shelf,
    StoredFile,
    WantedDeployment,
)
from shared.ports.trust import Signing, SigningKeys, TreeHeadPublisher

__all__ = [
    "Announcer",
    "AssetKind",
    "AuditLog",
    "AuditReport",
    "BatchJob",
    "Blob",
    "BundleStore",
    "Clock",
    "ControlPlane",
    "DataAssets",
    "DataChecks",
    "DataHub",
    "DeploymentSeen",
    "DevOpsApprovals",
    "DevOpsFacts",
    "DevOpsPipelines",
    "DriftFiles",
    "EndpointKind",
    "EndpointResponse",
    "EndpointSeen",
    "Endpoints",
    "Folder",
    "HubFile",
    "Identities",
    "Job",
    "JobLogs",
    "Jobs",
    "LabelledImage",
    "Ledger",
    "Messenger",
    "Models",
    "OnlineRequest",
    "Pipelines",
    "Place",
    "Queues",
    "RegisteredModel",
    "RowFiles",
    "Secrets",
    "ServerTasks",
    "Shelf",
    "Signing",
    "SigningKeys",
    "StoredFile",
    "TreeHeadPublisher",
    "WantedDeployment",
]
