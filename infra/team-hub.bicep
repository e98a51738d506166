// A team's own storage account beside the Data Hub: the account or what it lacks, the system topic, and roles by container.
// Records, staged files and dead letters stay in the Data Hub, so nothing here is written by the app but what it publishes.

param location string
param tags object
@allowed(['open', 'restricted', 'sealed'])
param profile string
@description('The name of the hub under `hubs` in signalbox.yaml.')
param hubName string
@description('Whether the account stands already: then only what Signalbox needs is added.')
param accountStands bool
param appPrincipalId string
@description('The groups of the directory by persona.')
param groups object
@description('The namespace of Service Bus that events are delivered to: its subscription, group and name.')
param bus object
param logsId string
param customerKey object
@description('The subnet for the private endpoints by which the app reaches the account; empty in the profile open.')
param endpointsSubnetId string
@description('{blob, dfs}: ids of private DNS zones; empty where a policy attaches them.')
param zoneIds object

var data = loadJsonContent('generated/signalbox.json')
var isOpen = profile == 'open'
var hub = data.hubs[hubName]

module account 'modules/storage.bicep' = if (!accountStands) {
  name: 'account'
  params: {
    name: hub.account
    location: location
    tags: tags
    containers: hub.containers
    hierarchical: true
    public: isOpen
    lock: true
    logsId: logsId
    sku: 'Standard_ZRS'
    customerKey: customerKey
    trustedResources: []
  }
}

module systemTopic 'modules/system-topic.bicep' = {
  name: 'system-topic'
  params: {
    name: 'evgst-${hub.account}'
    location: location
    tags: tags
    sourceId: resourceId('Microsoft.Storage/storageAccounts', hub.account)
    topicType: 'Microsoft.Storage.StorageAccounts'
    logsId: logsId
  }
  dependsOn: [account]
}

module endpoints 'modules/private-endpoint.bicep' = [for service in ['blob', 'dfs']: if (!isOpen) {
  name: 'endpoint-${service}'
  params: {
    name: 'pep-${hub.account}-${service}'
    location: location
    tags: tags
    subnetId: endpointsSubnetId
    serviceId: resourceId('Microsoft.Storage/storageAccounts', hub.account)
    groupId: service
    zoneIds: empty(zoneIds) ? [] : [zoneIds[service]]
  }
  dependsOn: [account]
}]

module appRoles 'modules/role-container.bicep' = [for row in data.roles: if (row.identity == 'app' && startsWith(row.target, 'team-container:') && contains(hub.containers, last(split(row.target, ':')))) {
  name: 'role-app-${uniqueString(row.target, row.id)}'
  params: {
    account: hub.account
    container: last(split(row.target, ':'))
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
  dependsOn: [account]
}]

module appAccountRoles 'modules/role-account.bicep' = [for row in data.roles: if (row.identity == 'app' && row.target == 'team-account:${hubName}') {
  name: 'role-account-${row.id}'
  params: {
    account: hub.account
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
  dependsOn: [account]
}]

// Storage Blob Data Contributor, for the people who experiment; the computes have theirs by the step of their environment.
module personaRoles 'modules/role-containers.bicep' = [for persona in hub.personas: if (contains(groups, persona)) {
  name: 'role-${persona}'
  params: {
    account: hub.account
    containers: hub.containers
    principalId: groups[persona]
    principalType: 'Group'
    roleId: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  }
  dependsOn: [account]
}]

module letterRoles 'modules/role-container.bicep' = [for row in data.roles: if (row.identity == 'grid' && startsWith(row.target, 'container:')) {
  name: 'role-grid-${row.id}'
  scope: resourceGroup(data.hub.subscription, data.hub.resourceGroup)
  params: {
    account: data.hub.account
    container: last(split(row.target, ':'))
    principalId: systemTopic.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

module queueRoles 'modules/role-queue.bicep' = [for row in data.roles: if (row.identity == 'grid' && row.target == 'events-queue') {
  name: 'role-queue-${row.id}'
  scope: resourceGroup(bus.subscription, bus.resourceGroup)
  params: {
    namespace: bus.name
    queue: 'events'
    principalId: systemTopic.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

output topicName string = systemTopic.outputs.name
