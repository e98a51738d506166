// One environment of a team: its workspace with storage, vault, computes and datastores, its roles, events and budget.
// Step 1 deploys it for experimentation; step 2 for each environment above.

@description('The name of the environment in signalbox.yaml.')
param environmentName string
param location string
param tags object
@allowed(['open', 'restricted', 'sealed'])
param profile string
param appPrincipalId string
@description('Object ids of the groups of people, by persona.')
param groups object
@description('The principal of the identity as which the team\'s pipelines act; empty where there is none.')
param deploymentPrincipalId string
@description('[{name, size, gpu, minimum, maximum, idleSeconds, priority}]')
param computes array
@description('[{name, account, container, subscription, resourceGroup}], besides the staging container of the hub.')
param datastores array
@description('[{name, destination}] that jobs may call: the feed of packages, and nothing that data could leave by.')
param outboundHosts array
param hubAccountId string
param containerRegistryId string
param insightsId string
param logsId string
param actionsId string
param customerKey object
@description('The subnet for the private endpoint of the workspace; empty in the profile open.')
param endpointsSubnetId string
param zoneIds array
@description('Private DNS zones of the blob service, for the endpoint of the team\'s own account; empty where a policy attaches them.')
param storeZoneIds array
@description('The namespace of Service Bus that registrations are delivered to: its subscription, group and name.')
param bus object
@description('{amount, startDate}')
param budget object

var data = loadJsonContent('generated/signalbox.json')
var isOpen = profile == 'open'
var environmentRow = data.environments[environmentName]
var suffix = take(uniqueString(resourceGroup().id, environmentRow.workspace), 5)
var compact = toLower(replace(environmentRow.workspace, '-', ''))
var staging = {
  name: data.hub.datastore
  account: data.hub.account
  container: data.hub.staging
  subscription: data.hub.subscription
  resourceGroup: data.hub.resourceGroup
}
var hubBlobs = [for hub in environmentRow.hubs: {
  name: 'hub-${hub.name}-blob'
  serviceId: resourceId(hub.subscription, hub.resourceGroup, 'Microsoft.Storage/storageAccounts', hub.account)
  subresource: 'blob'
}]
var hubFolders = [for hub in environmentRow.hubs: {
  name: 'hub-${hub.name}-dfs'
  serviceId: resourceId(hub.subscription, hub.resourceGroup, 'Microsoft.Storage/storageAccounts', hub.account)
  subresource: 'dfs'
}]
var environmentTags = union(tags, environmentRow.tags)

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: take('st${compact}${suffix}', 24)
    location: location
    tags: environmentTags
    containers: []
    hierarchical: false
    public: isOpen
    // No lock on anything that the workspace writes its own set-up to.
    lock: false
    logsId: logsId
    sku: environmentRow.aboveDevelopment ? 'Standard_ZRS' : 'Standard_LRS'
    customerKey: empty(customerKey) ? {} : customerKey.storage
    trustedResources: [
      {
        tenantId: tenant().tenantId
        resourceId: resourceId('Microsoft.MachineLearningServices/workspaces', environmentRow.workspace)
      }
    ]
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: take('kv-${compact}-${suffix}', 24)
    location: location
    tags: environmentTags
    public: isOpen
    lock: false
    logsId: logsId
  }
}

module workspace 'modules/workspace.bicep' = {
  name: 'workspace'
  params: {
    name: environmentRow.workspace
    location: location
    tags: environmentTags
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
    insightsId: insightsId
    containerRegistryId: containerRegistryId
    public: isOpen
    isolation: isOpen ? 'Disabled' : profile == 'sealed' ? 'AllowOnlyApprovedOutbound' : 'AllowInternetOutbound'
    outboundHosts: outboundHosts
    outboundEndpoints: union([
      {
        name: 'data-hub-blob'
        serviceId: hubAccountId
        subresource: 'blob'
      }
      {
        name: 'data-hub-dfs'
        serviceId: hubAccountId
        subresource: 'dfs'
      }
    ], hubBlobs, hubFolders)
    computes: computes
    datastores: union([staging], datastores)
    customerKey: empty(customerKey) ? {} : customerKey.workspace
    logsId: logsId
  }
}

module endpoint 'modules/private-endpoint.bicep' = if (!isOpen) {
  name: 'endpoint'
  params: {
    name: 'pep-${environmentRow.workspace}'
    location: location
    tags: environmentTags
    subnetId: endpointsSubnetId
    serviceId: workspace.outputs.id
    groupId: 'amlworkspace'
    zoneIds: zoneIds
  }
}

// The app copies models into the team's own account and reads what its jobs leave there. The workspace has endpoints of
// its managed network to it, through which nobody else comes.
module storeEndpoint 'modules/private-endpoint.bicep' = if (!isOpen) {
  name: 'endpoint-store'
  params: {
    name: 'pep-${environmentRow.workspace}-blob'
    location: location
    tags: environmentTags
    subnetId: endpointsSubnetId
    serviceId: storage.outputs.id
    groupId: 'blob'
    zoneIds: storeZoneIds
  }
}

// The managed network asks for private endpoints to the hub, and this role lets the workspace approve its own.
module approverRole 'modules/role-account.bicep' = if (!isOpen) {
  name: 'role-approver-${environmentRow.workspace}'
  scope: resourceGroup(data.hub.subscription, data.hub.resourceGroup)
  params: {
    account: data.hub.account
    principalId: workspace.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: 'b556d68e-0be0-4f35-a333-ad7ee1ce17ea'
  }
}

module hubApproverRoles 'modules/role-account.bicep' = [for hub in environmentRow.hubs: if (!isOpen) {
  name: 'role-approver-${environmentRow.workspace}-${hub.name}'
  scope: resourceGroup(hub.subscription, hub.resourceGroup)
  params: {
    account: hub.account
    principalId: workspace.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: 'b556d68e-0be0-4f35-a333-ad7ee1ce17ea'
  }
}]

// The computes read and write staged files in the Data Hub, and the containers of the team's own hubs.
module computeRoles 'modules/role-computes.bicep' = {
  name: 'role-computes-${environmentRow.workspace}'
  scope: resourceGroup(data.hub.subscription, data.hub.resourceGroup)
  params: {
    account: data.hub.account
    containers: [data.hub.staging]
    principalIds: workspace.outputs.computePrincipals
  }
}

module hubComputeRoles 'modules/role-computes.bicep' = [for hub in environmentRow.hubs: {
  name: 'role-computes-${environmentRow.workspace}-${hub.name}'
  scope: resourceGroup(hub.subscription, hub.resourceGroup)
  params: {
    account: hub.account
    containers: data.hubs[hub.name].containers
    principalIds: workspace.outputs.computePrincipals
  }
}]

module appRoles 'modules/role-workspace.bicep' = [for row in data.roles: if (row.target == 'workspace:${environmentName}') {
  name: 'role-app-${row.id}'
  params: {
    workspace: environmentRow.workspace
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
  dependsOn: [workspace]
}]

module storeRoles 'modules/role-account.bicep' = [for row in data.roles: if (row.target == 'store:${environmentName}') {
  name: 'role-store-${row.id}'
  params: {
    account: storage.outputs.name
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

module groupRoles 'modules/role-group.bicep' = [for row in data.roles: if (row.target == 'group:${environmentName}') {
  name: 'role-group-${row.id}'
  params: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

// People read everywhere; only where models are tried do they write. The app is the only writer above.
module personaRoles 'modules/role-workspace.bicep' = [for row in data.personas: if (row.environment == environmentName && contains(groups, row.persona)) {
  name: 'role-${row.persona}'
  params: {
    workspace: environmentRow.workspace
    principalId: groups[row.persona]
    principalType: 'Group'
    roleId: row.id
  }
  dependsOn: [workspace]
}]

module deployerRoles 'modules/role-workspace.bicep' = [for row in data.deployers: if (row.environment == environmentName && row.target == 'workspace' && !empty(deploymentPrincipalId)) {
  name: 'role-deployer-${row.id}'
  params: {
    workspace: environmentRow.workspace
    principalId: deploymentPrincipalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
  dependsOn: [workspace]
}]

module deployerStoreRoles 'modules/role-account.bicep' = [for row in data.deployers: if (row.environment == environmentName && row.target == 'store' && !empty(deploymentPrincipalId)) {
  name: 'role-deployer-store-${row.id}'
  params: {
    account: storage.outputs.name
    principalId: deploymentPrincipalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

module systemTopic 'modules/system-topic.bicep' = if (environmentRow.registers) {
  name: 'system-topic'
  params: {
    name: 'evgst-${environmentRow.workspace}'
    location: location
    tags: environmentTags
    sourceId: workspace.outputs.id
    topicType: 'Microsoft.MachineLearningServices.Workspaces'
    logsId: logsId
  }
}

module queueRoles 'modules/role-queue.bicep' = [for row in data.roles: if (environmentRow.registers && row.target == 'events-queue') {
  name: 'role-queue-${environmentName}'
  scope: resourceGroup(bus.subscription, bus.resourceGroup)
  params: {
    namespace: bus.name
    queue: 'events'
    principalId: systemTopic.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

module registrations 'modules/registrations.bicep' = if (environmentRow.registers) {
  name: 'registrations'
  params: {
    topicName: systemTopic.outputs.name
    destinationId: resourceId(bus.subscription, bus.resourceGroup, 'Microsoft.ServiceBus/namespaces/queues', bus.name, 'events')
    eventTypes: data.modelEvents
  }
  dependsOn: [queueRoles]
}

module spending 'modules/budget.bicep' = {
  name: 'budget'
  params: {
    name: 'budget-${environmentRow.workspace}'
    amount: budget.amount
    startDate: budget.startDate
    actionGroupIds: [actionsId]
  }
}

output workspaceId string = workspace.outputs.id
