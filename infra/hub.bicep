// What Signalbox attaches to the Data Hub: its containers, the audit container, the system topic, and roles.
// The account is made here, or stands already and belongs to somebody else.

param location string
param tags object
@allowed(['open', 'restricted', 'sealed'])
param profile string
@description('Whether the account stands already: then only what Signalbox needs is added.')
param accountStands bool
param appPrincipalId string
@description('The namespace of Service Bus that events are delivered to: its subscription, group and name.')
param bus object
param logsId string
param customerKey object
@minValue(1)
param auditDays int
@description('The subnet for the private endpoints of the hub; empty in the profile open.')
param endpointsSubnetId string
@description('{blob, dfs}: ids of private DNS zones; empty where a policy attaches them.')
param zoneIds object

var data = loadJsonContent('generated/signalbox.json')
var isOpen = profile == 'open'
var eventsQueue = 'events'

module account 'modules/storage.bicep' = if (!accountStands) {
  name: 'account'
  params: {
    name: data.hub.account
    location: location
    tags: tags
    containers: []
    hierarchical: true
    public: isOpen
    lock: true
    logsId: logsId
    sku: 'Standard_ZRS'
    customerKey: customerKey
    trustedResources: []
  }
}

module containers 'modules/containers.bicep' = {
  name: 'containers'
  params: {
    account: data.hub.account
    names: data.hub.containers
    audit: data.hub.audit
    auditDays: auditDays
    accountStands: accountStands
    staging: data.hub.staging
  }
  dependsOn: [account]
}

module systemTopic 'modules/system-topic.bicep' = {
  name: 'system-topic'
  params: {
    name: 'evgst-${data.hub.account}'
    location: location
    tags: tags
    sourceId: resourceId('Microsoft.Storage/storageAccounts', data.hub.account)
    topicType: 'Microsoft.Storage.StorageAccounts'
    logsId: logsId
  }
  dependsOn: [account]
}

module endpoints 'modules/private-endpoint.bicep' = [for service in ['blob', 'dfs']: if (!isOpen) {
  name: 'endpoint-${service}'
  params: {
    name: 'pep-${data.hub.account}-${service}'
    location: location
    tags: tags
    subnetId: endpointsSubnetId
    serviceId: resourceId('Microsoft.Storage/storageAccounts', data.hub.account)
    groupId: service
    zoneIds: empty(zoneIds) ? [] : [zoneIds[service]]
  }
  dependsOn: [account]
}]

module appRoles 'modules/role-container.bicep' = [for row in data.roles: if (row.identity == 'app' && startsWith(row.target, 'container:')) {
  name: 'role-app-${uniqueString(row.target, row.id)}'
  params: {
    account: data.hub.account
    container: last(split(row.target, ':'))
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
  dependsOn: [containers]
}]

module appAccountRoles 'modules/role-account.bicep' = [for row in data.roles: if (row.identity == 'app' && row.target == 'account') {
  name: 'role-account-${row.id}'
  params: {
    account: data.hub.account
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
  dependsOn: [account]
}]

module letterRoles 'modules/role-container.bicep' = [for row in data.roles: if (row.identity == 'grid' && startsWith(row.target, 'container:')) {
  name: 'role-grid-${row.id}'
  params: {
    account: data.hub.account
    container: last(split(row.target, ':'))
    principalId: systemTopic.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
  dependsOn: [containers]
}]

module queueRoles 'modules/role-queue.bicep' = [for row in data.roles: if (row.identity == 'grid' && row.target == 'events-queue') {
  name: 'role-queue-${row.id}'
  scope: resourceGroup(bus.subscription, bus.resourceGroup)
  params: {
    namespace: bus.name
    queue: eventsQueue
    principalId: systemTopic.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

output topicName string = systemTopic.outputs.name
output accountId string = resourceId('Microsoft.Storage/storageAccounts', data.hub.account)
