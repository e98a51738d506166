"""Each mistake that somebody could make in the templates, one at a time, is found, by its rule and in its file.

A row has the file, what is written there, what is written instead, the rule that must speak, and a part of what it says.
"""

# ruff: noqa: E501 (what is replaced stands as it does in its template)
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.check.evaluation import Files
from infra.check.judgement import committed_files, judge
from infra.check.types import Catalogue

FOLDER = Path(__file__).parents[2] / "infra"
COMMITTED, CATALOGUE = committed_files(FOLDER), Catalogue.committed()
OPEN, RESTRICTED, SEALED = (f"parameters/{profile}.json" for profile in ("open", "restricted", "sealed"))


@dataclass(frozen=True, slots=True)
class Mistake:
    name: str
    file: str
    before: str
    after: str
    rule: str
    says: str
    installation: str = SEALED


S, M = "modules/storage.bicep", "modules/"
MISTAKES = (
    # What the subset does not know.
    Mistake("spread", S, "    accessTier: 'Hot'", "    ...customerKey", "subset", "expected"),
    Mistake("lambda", S, "  tags: tags\n", "  tags: map(tags, x => x)\n", "subset", "expected"),
    Mistake("user-defined type", S, "param hierarchical bool", "param hierarchical flag", "subset", "type 'flag'"),
    Mistake("string without end", S, "kind: 'StorageV2'", "kind: 'StorageV2", "subset", "does not end"),
    Mistake("unknown function", S, "name: name\n  location", "name: pickName(name)\n  location", "subset", "pickName"),
    Mistake(
        "too many arguments",
        S,
        "empty(customerKey) ? {\n    type",
        "empty(customerKey, 1) ? {\n    type",
        "subset",
        "takes 1",
    ),
    Mistake(
        "method call", "hub.bicep", "last(split(row.target, ':'))", "row.target.split(':')[1]", "subset", "methods"
    ),
    Mistake("unknown decorator", S, "@maxLength(24)", "@sealed()", "subset", "sealed"),
    Mistake("no api-version", S, "storageAccounts@2025-08-01' = {", "storageAccounts' = {", "subset", "api-version"),
    Mistake(
        "property twice", S, "    accessTier: 'Hot'", "    accessTier: 'Hot'\n    accessTier: 'Cool'", "subset", "twice"
    ),
    Mistake(
        "no separator", S, "    accessTier: 'Hot'", "    accessTier: 'Hot' isHnsEnabled: true", "subset", "expected"
    ),
    Mistake("unknown declaration", S, "output id string", "assert id string", "subset", "no declaration"),
    # References.
    Mistake(
        "undeclared name", S, "defaultAction: public ?", "defaultAction: open ?", "references", "open is not declared"
    ),
    Mistake(
        "unknown parameter of a module",
        "platform.bicep",
        "    containers: ['packages']",
        "    container: 'packages'\n    containers: ['packages']",
        "references",
        "no parameter container",
    ),
    Mistake(
        "missing parameter of a module",
        "platform.bicep",
        "    containers: ['packages']\n",
        "",
        "references",
        "needs parameter containers",
    ),
    Mistake("unknown output", "platform.bicep", "storage.outputs.name", "storage.outputs.title", "references", "title"),
    Mistake(
        "module that is not there",
        "platform.bicep",
        "'modules/vault.bicep'",
        "'modules/vaults.bicep'",
        "references",
        "is not there",
    ),
    Mistake(
        "value that a parameter does not allow",
        "platform.bicep",
        "sku: 'Standard_ZRS'",
        "sku: 'Premium_LRS'",
        "references",
        "allows",
    ),
    Mistake(
        "parameter of another type",
        "platform.bicep",
        "hierarchical: false",
        "hierarchical: 'no'",
        "references",
        "is bool",
    ),
    Mistake(
        "variable that needs itself",
        "platform.bicep",
        "var isOpen = profile == 'open'",
        "var isOpen = isOpen",
        "references",
        "needs itself",
    ),
    Mistake(
        "unused parameter",
        S,
        "param hierarchical bool",
        "param hierarchical bool\nparam extra bool = true",
        "unused",
        "extra",
    ),
    Mistake("unused variable", "hub.bicep", "var isOpen", "var spare = 1\nvar isOpen", "unused", "spare"),
    Mistake(
        "declared twice",
        S,
        "output id string = account.id",
        "output id string = account.id\noutput id string = account.name",
        "references",
        "declared twice",
    ),
    Mistake(
        "parent of another type",
        S,
        "  parent: blobs\n  name: container",
        "  parent: account\n  name: container",
        "references",
        "another type",
    ),
    Mistake(
        "module for another scope",
        "hub.bicep",
        "scope: resourceGroup(bus.subscription, bus.resourceGroup)",
        "scope: subscription()",
        "scope",
        "is for a resourceGroup",
    ),
    Mistake(
        "path that a resource does not have",
        M + "topic.bicep",
        "topic.properties.endpoint",
        "topic.properties.address",
        "references",
        "properties.address",
    ),
    Mistake("data that are not generated", "hub.bicep", "data.hub.staging", "data.hub.stage", "references", "no stage"),
    # Published types.
    Mistake("misspelt property", S, "allowSharedKeyAccess", "allowSharedKeyAcess", "property", "allowSharedKeyAcess"),
    Mistake(
        "unknown api-version",
        M + "vault.bicep",
        "vaults@2025-05-01' = {",
        "vaults@2024-13-01' = {",
        "version",
        "2024-13-01",
    ),
    Mistake(
        "unknown type",
        M + "vault.bicep",
        "KeyVault/vaults@2025-05-01' = {",
        "KeyVault/vault@2025-05-01' = {",
        "type",
        "no type",
    ),
    Mistake("value outside an enumeration", S, "'TLS1_2'", "'TLS12'", "enumeration", "TLS12"),
    Mistake(
        "missing property",
        M + "workspace.bicep",
        "    credentials: {\n      credentialsType: 'None'\n    }\n",
        "",
        "required",
        "credentials",
    ),
    Mistake(
        "text for a number",
        M + "vault.bicep",
        "softDeleteRetentionInDays: 90",
        "softDeleteRetentionInDays: '90'",
        "value",
        "whole number",
    ),
    Mistake(
        "property that only Azure sets",
        M + "network.bicep",
        "    useRemoteGateways: useHubGateway",
        "    useRemoteGateways: useHubGateway\n    provisioningState: 'Succeeded'",
        "read-only",
        "provisioningState",
    ),
    Mistake(
        "unknown kind of compute",
        M + "workspace.bicep",
        "computeType: 'AmlCompute'",
        "computeType: 'AmlCluster'",
        "enumeration",
        "computeType",
    ),
    Mistake(
        "object for an array",
        M + "network.bicep",
        "addressPrefixes: [addressPrefixes.network]",
        "addressPrefixes: addressPrefixes.network",
        "value",
        "must be an array",
    ),
    Mistake(
        "type that is only known by name",
        M + "role-key.bicep",
        "keys@2025-05-01' existing = {",
        "keys@2025-05-01' = {",
        "type",
        "may only be `existing`",
    ),
    # Names.
    Mistake(
        "name too long",
        "platform.bicep",
        "take('st${compact}${suffix}', 24)",
        "'st${compact}${suffix}abcdefgh'",
        "names",
        "24",
    ),
    Mistake(
        "name with a character that Azure refuses",
        "platform.bicep",
        "'kv-${compact}-${suffix}'",
        "'kv_${compact}-${suffix}'",
        "names",
        "kv_",
    ),
    Mistake("reserved end of a name", "platform.bicep", "'sbns-${name}-${suffix}'", "'${name}-sb'", "names", "-sb"),
    Mistake(
        "workbook without a GUID",
        M + "alerts.bicep",
        "guid(resourceGroup().id, name, 'workbook')",
        "'workbook-${name}'",
        "names",
        "workbook-",
    ),
    Mistake(
        "the same resource twice",
        "hub.bicep",
        "'pep-${data.hub.account}-${service}'",
        "'pep-${data.hub.account}'",
        "names",
        "made twice",
    ),
    # Hardening.
    Mistake(
        "public data in the sealed profile",
        M + "bus.bicep",
        "publicNetworkAccess: public ? 'Enabled' : 'Disabled'",
        "publicNetworkAccess: 'Enabled'",
        "public-access",
        "sbns-",
    ),
    Mistake(
        "public data in the restricted profile",
        S,
        "publicNetworkAccess: public ? 'Enabled' : 'Disabled'",
        "publicNetworkAccess: 'Enabled'",
        "public-access",
        "is public",
        RESTRICTED,
    ),
    Mistake(
        "public app in the sealed profile",
        "platform.bicep",
        "isSealed ? 'closed' : 'filtered'",
        "isSealed ? 'filtered' : 'filtered'",
        "public-access",
        "func-",
    ),
    Mistake(
        "logs that anybody may ask in the sealed profile",
        "platform.bicep",
        "    public: !isSealed\n    receivers",
        "    public: true\n    receivers",
        "public-access",
        "log-",
    ),
    Mistake(
        "app that lets everybody in by default",
        M + "app.bicep",
        "ipSecurityRestrictionsDefaultAction: exposure == 'public' ? 'Allow' : 'Deny'\n      ipSec",
        "ipSecurityRestrictionsDefaultAction: 'Allow'\n      ipSec",
        "public-access",
        "by default",
        RESTRICTED,
    ),
    Mistake(
        "no private endpoint of the table service",
        "platform.bicep",
        "  {\n    name: 'table'\n    id: storage.outputs.id\n  }\n",
        "",
        "private-endpoint",
        "table",
    ),
    Mistake(
        "the app does not reach the account of a team",
        "team.bicep",
        "    serviceId: storage.outputs.id\n    groupId: 'blob'",
        "    serviceId: storage.outputs.id\n    groupId: 'file'",
        "private-endpoint",
        "has no private endpoint for blob",
        RESTRICTED,
    ),
    Mistake(
        "no private endpoint of the sealed app",
        "platform.bicep",
        "= if (isSealed) {\n  name: 'endpoint-sites'",
        "= if (isOpen) {\n  name: 'endpoint-sites'",
        "private-endpoint",
        "sites",
    ),
    Mistake(
        "shared keys",
        S,
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "credentials",
        "allowSharedKeyAccess",
    ),
    Mistake(
        "keys of Service Bus",
        M + "bus.bicep",
        "disableLocalAuth: true",
        "disableLocalAuth: false",
        "credentials",
        "disableLocalAuth",
    ),
    Mistake(
        "vault that can be purged",
        M + "vault.bicep",
        "enablePurgeProtection: true",
        "enablePurgeProtection: false",
        "credentials",
        "enablePurgeProtection",
    ),
    Mistake(
        "public container", S, "    publicAccess: 'None'", "    publicAccess: 'Blob'", "credentials", "publicAccess"
    ),
    Mistake(
        "datastores by keys",
        M + "workspace.bicep",
        "systemDatastoresAuthMode: 'Identity'",
        "systemDatastoresAuthMode: 'AccessKey'",
        "credentials",
        "systemDatastoresAuthMode",
    ),
    Mistake("old TLS", S, "'TLS1_2'", "'TLS1_0'", "transport", "below 1.2"),
    Mistake(
        "no diagnostics",
        M + "bus.bicep",
        "name: 'to-logs'\n  scope: namespace",
        "name: 'to-logs'\n  scope: results",
        "diagnostics",
        "sbns-",
    ),
    Mistake(
        "lock on a workspace",
        M + "workspace.bicep",
        "// No lock:",
        "resource workspaceLock 'Microsoft.Authorization/locks@2020-05-01' = {\n  name: 'keep'\n  scope: workspace\n  properties: {\n    level: 'CanNotDelete'\n  }\n}\n\n// No lock:",
        "locks",
        "managed network",
    ),
    Mistake(
        "lock on the group of a workspace",
        "team.bicep",
        "output workspaceId",
        "resource groupLock 'Microsoft.Authorization/locks@2020-05-01' = {\n  name: 'keep'\n  properties: {\n    level: 'CanNotDelete'\n  }\n}\n\noutput workspaceId",
        "locks",
        "clusters cannot shrink",
    ),
    Mistake("read-only lock", S, "level: 'CanNotDelete'", "level: 'ReadOnly'", "locks", "nothing can be written"),
    Mistake("no lock on the hub", "hub.bicep", "    lock: true", "    lock: false", "locks", "datahub"),
    Mistake("no owner", "parameters/sealed.json", '"owner"', '"possessor"', "tags", "owner"),
    Mistake(
        "policy on the records", "hub.bicep", "audit: data.hub.audit", "audit: 'signalbox'", "audit", "records change"
    ),
    # Roles.
    Mistake(
        "missing role of the host",
        "platform.bicep",
        "(row.target == 'host-storage')",
        "(row.target == 'host-store')",
        "roles",
        "Storage Queue Data Contributor",
    ),
    Mistake(
        "missing role of one container",
        "hub.bicep",
        "(row.identity == 'app' && startsWith(row.target, 'container:'))",
        "(row.identity == 'app' && row.target == 'container:landing')",
        "roles",
        "container:quarantine",
    ),
    Mistake(
        "missing role of one key", "parameters/sealed.json", '"purpose": "log"', '"purpose": "logs"', "roles", "key:log"
    ),
    Mistake(
        "owner",
        "registry.bicep",
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "roles",
        "Owner",
    ),
    Mistake(
        "unknown role",
        "modules/role-computes.bicep",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "ba92f5b4-2d11-453d-a403-e96b0029c9ff",
        "roles",
        "in no row",
    ),
    Mistake(
        "Event Grid may not deliver",
        "hub.bicep",
        "row.target == 'events-queue'",
        "row.target == 'event-queue'",
        "roles",
        "may not deliver",
    ),
    Mistake(
        "people write in production",
        "generated/signalbox.json",
        '"persona": "ml-engineer",\n      "environment": "prod",\n      "role": "Reader",\n      "id": "acdd72a7-3385-48ef-bd42-f606fba81ae7"',
        '"persona": "ml-engineer",\n      "environment": "prod",\n      "role": "AzureML Data Scientist",\n      "id": "f6c7c914-8db3-469d-8ca1-694a8f32e121"',
        "people",
        "mlw-prod",
    ),
    Mistake(
        "pipelines write in production",
        "generated/signalbox.json",
        '"environment": "prod",\n      "target": "workspace",\n      "role": "Reader"',
        '"environment": "prod",\n      "target": "workspace",\n      "role": "AzureML Data Scientist"',
        "deployers",
        "write to prod, above development",
    ),
    Mistake(
        "pipelines with a role on another account",
        "team.bicep",
        "    account: storage.outputs.name\n    principalId: deploymentPrincipalId",
        "    account: data.hub.account\n    principalId: deploymentPrincipalId",
        "deployers",
        "that is not declared",
    ),
    Mistake(
        "pipelines that cannot upload a model",
        "team.bicep",
        "row.target == 'store' && !empty(deploymentPrincipalId)",
        "row.target == 'storage' && !empty(deploymentPrincipalId)",
        "deployers",
        "lack a role",
    ),
    Mistake(
        "an identity of provisioning that gets no role",
        SEALED,
        '"deploymentPrincipalId": "00000000-0000-0000-0000-00000000de02"',
        '"deploymentPrincipalId": ""',
        "deployers",
        "provisioning names the identity of dev's pipelines",
    ),
    Mistake(
        "the configuration and the installation know different groups",
        "generated/signalbox.json",
        '"data-scientist": "00000000-0000-0000-0000-0000000000d1"',
        '"data-scientist": "00000000-0000-0000-0000-0000000000d9"',
        "people",
        "the group of data-scientist is not",
    ),
    Mistake(
        "a change request is asked for and no ServiceNow is named",
        "parameters/sealed.json",
        '"SERVICE_NOW_URL": "https://contoso.service-now.com"',
        '"SERVICE_NOW_URL": ""',
        "settings",
        "SERVICE_NOW_URL is empty, and provisioning of signalbox.yaml asks for it",
    ),
    Mistake(
        "a role of one person",
        M + "role-registry.bicep",
        "  principalType: principalType",
        "  principalType: 'User'",
        "people",
        "by their groups",
    ),
    # Flex Consumption, settings, queues.
    Mistake(
        "fewer instances than Flex takes",
        "parameters/sealed.json",
        '"mostInstances": 40',
        '"mostInstances": 39',
        "names",
        "40 to 1000",
    ),
    Mistake("Python that Flex does not have", M + "app.bicep", "version: '3.12'", "version: '3.13'", "flex", "3.13"),
    Mistake(
        "subnet of Premium",
        M + "network.bicep",
        "'Microsoft.App/environments'",
        "'Microsoft.Web/serverFarms'",
        "flex",
        "delegated",
    ),
    Mistake(
        "app that cannot synchronise its triggers",
        M + "network.bicep",
        "service: 'Microsoft.Web'",
        "service: 'Microsoft.Storage'",
        "flex",
        "synchronise",
    ),
    Mistake(
        "settings in two places",
        M + "app.bicep",
        "      http20Enabled: true",
        "      http20Enabled: true\n      appSettings: []",
        "flex",
        "overwrite",
    ),
    Mistake(
        "setting that Flex forbids",
        "platform.bicep",
        "  SERVICE_BUS__credential:",
        "  FUNCTIONS_WORKER_RUNTIME: 'python'\n  SERVICE_BUS__credential:",
        "settings",
        "FUNCTIONS_WORKER_RUNTIME",
    ),
    Mistake(
        "connection string",
        "platform.bicep",
        "  SERVICE_BUS__credential:",
        "  SERVICE_BUS: 'Endpoint=sb://x;SharedAccessKey=y'\n  SERVICE_BUS__credential:",
        "settings",
        "SERVICE_BUS must not",
    ),
    Mistake(
        "setting that nothing reads",
        "platform.bicep",
        "  SERVICE_BUS__credential:",
        "  SIGNALBOX_COLOUR: 'red'\n  SERVICE_BUS__credential:",
        "settings",
        "COLOUR",
    ),
    Mistake(
        "setting that nothing sets",
        "platform.bicep",
        "  AZURE_CLIENT_ID: identity.outputs.clientId\n",
        "",
        "settings",
        "AZURE_CLIENT_ID",
    ),
    Mistake(
        "queue that is not there",
        "generated/signalbox.json",
        '"name": "approvals",\n      "setting"',
        '"name": "decisions",\n      "setting"',
        "queues",
        "approvals",
    ),
    Mistake(
        "queue of events with sessions",
        "generated/signalbox.json",
        '"setting": "SIGNALBOX_EVENTS_QUEUE",\n      "properties": {\n        "requiresSession": false',
        '"setting": "SIGNALBOX_EVENTS_QUEUE",\n      "properties": {\n        "requiresSession": true',
        "queues",
        "must not require",
    ),
    Mistake(
        "decisions that outlive their token",
        "generated/signalbox.json",
        '"PT1H"',
        '"P14D"',
        "queues",
        "longer than a token",
    ),
    Mistake(
        "topic that takes repeats",
        "generated/signalbox.json",
        '"requiresDuplicateDetection": true',
        '"requiresDuplicateDetection": false',
        "queues",
        "twice",
    ),
    # Events.
    Mistake(
        "more than 25 values",
        "generated/signalbox.json",
        '            "PutBlob",',
        "".join(f'            "Api{number}",\n' for number in range(15)) + '            "PutBlob",',
        "filters",
        "25",
    ),
    Mistake(
        "value that is too long",
        "generated/signalbox.json",
        "blobs/diabetes/each/",
        "blobs/diabetes/each/" + "x" * 512,
        "filters",
        "512",
    ),
    Mistake(
        "events of staged files",
        "generated/signalbox.json",
        "containers/landing/blobs/diabetes/each/",
        "containers/signalbox-staging/blobs/",
        "filters",
        "raise another",
    ),
    Mistake(
        "no place for what cannot be delivered",
        "subscriptions.bicep",
        "blobContainerName: data.hub.deadLetters",
        "blobContainerName: data.hub.staging",
        "filters",
        "is lost",
    ),
    Mistake(
        "Event Grid calls a sealed app",
        "parameters/sealed.json",
        '"delivery": "queue"',
        '"delivery": "function"',
        "destination",
        "cannot call",
    ),
    Mistake(
        "delivery to another queue",
        "subscriptions.bicep",
        "resourceId: destinationId\n        }\n      }\n    }\n    filter",
        "resourceId: '${destinationId}-2'\n        }\n      }\n    }\n    filter",
        "destination",
        "events-2",
    ),
    Mistake(
        "action group that calls a sealed app",
        M + "monitor.bicep",
        "empty(webhook) ? [] : [\n      {\n        name: 'signalbox'\n        serviceUri: webhook\n        useAadAuth: true\n        objectId: webhookIdentity.objectId\n        identifierUri: webhookIdentity.identifierUri\n        tenantId: webhookIdentity.tenantId",
        "[\n      {\n        name: 'signalbox'\n        serviceUri: 'https://app/api/v1/alerts'",
        "callers",
        "action group",
    ),
    Mistake(
        "list of callers of a sealed app",
        "platform.bicep",
        "isOpen || isSealed ? [] : allowedCallers",
        "[{ name: 'devops', priority: 100, ipAddress: 'AzureDevOps', tag: 'ServiceTag' }]",
        "callers",
        "list of callers",
    ),
    # Alerts and queries.
    Mistake(
        "alert that tells nobody",
        M + "alerts.bicep",
        "actionGroups: [actionsId]",
        "actionGroups: []",
        "alerts",
        "tells no action group",
    ),
    Mistake(
        "nobody on call",
        M + "monitor.bicep",
        "for receiver in receivers:",
        "for receiver in take(receivers, 0):",
        "alerts",
        "reaches nobody",
    ),
    Mistake(
        "no budget",
        "team.bicep",
        "module spending 'modules/budget.bicep' = {",
        "module spending 'modules/budget.bicep' = if (isOpen) {",
        "budget",
        "rg-mlops-dev",
    ),
    Mistake(
        "alert without its query",
        "alerts.json",
        '"query": "dead-letters"',
        '"query": "dead-mail"',
        "alerts",
        "dead-mail",
    ),
    Mistake(
        "no alert on the audit log",
        "alerts.json",
        '"name": "audit-alarm"',
        '"name": "audit-alert"',
        "alerts",
        "audit-alarm",
    ),
    Mistake(
        "alert over more than two days", "alerts.json", '"range": "PT6H"', '"range": "P3D"', "alerts", "does not take"
    ),
    Mistake(
        "unknown metric in a query",
        "queries/dead-letters.kql",
        "signalbox.backlog.age",
        "signalbox.backlog.oldest",
        "query-names",
        "no metric",
    ),
    Mistake(
        "unknown attribute in a query",
        "queries/jobs.kql",
        "customDimensions.route",
        "customDimensions.model",
        "query-names",
        "model is no attribute",
    ),
    Mistake(
        "unknown column in a query",
        "queries/jobs.kql",
        "mean = seconds / jobs",
        "mean = second / jobs",
        "query",
        "second is no column",
    ),
    Mistake("unknown table in a query", "queries/jobs.kql", "customMetrics", "customMetric", "query", "no table"),
    Mistake("misspelt operator in a query", "queries/jobs.kql", "| summarize", "| summarise", "query", "summarise"),
    Mistake("open parenthesis in a query", "queries/jobs.kql", "max(valueMax)", "max(valueMax", "query", "expected"),
    Mistake(
        "query of every metric",
        "queries/jobs.kql",
        '| where name == "signalbox.job.duration"\n',
        "",
        "query-names",
        "every metric",
    ),
    Mistake(
        "unknown metric in the workbook",
        "workbook.json",
        "signalbox.promotions",
        "signalbox.promoted",
        "query-names",
        "promoted",
    ),
    Mistake(
        "unknown metric of endpoints",
        "workbook.json",
        "--RequestLatency_P95",
        "--RequestLatency_P97",
        "workbook",
        "P97",
    ),
    Mistake("unknown item of the workbook", "workbook.json", '"type": 12', '"type": 13', "workbook", "which is none"),
)


def test_the_committed_templates_have_no_finding():
    assert judge(COMMITTED, catalogue=CATALOGUE) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_a_mistake_is_reported_by_its_rule(mistake: Mistake):
    text = COMMITTED.texts[mistake.file]
    assert mistake.before in text, "the row is older than the template"
    changed = Files({**COMMITTED.texts, mistake.file: text.replace(mistake.before, mistake.after)})

    findings = judge(changed, (mistake.installation,), CATALOGUE)

    matching = [finding for finding in findings if finding.rule == mistake.rule and mistake.says in finding.problem]
    assert matching, "\n".join(map(str, findings)) or "nothing was found"
    assert all(finding.place.line > 0 for finding in matching), "a finding names its line"
