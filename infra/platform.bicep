// The app, its host storage, Service Bus, topic, vault, logs and alerts, by network profile.
// open: public addresses, every door by identity. restricted: data by private endpoints, the app behind an allow-list.
// sealed: nothing public; events come by the queue, people and agents by the network.

@description('The workload, such as signalbox-prod: names are derived from it.')
@minLength(3)
@maxLength(17)
param name string
param location string
param tags object
@allowed(['open', 'restricted', 'sealed'])
param profile string
@description('{network, app, endpoints}: address prefixes of the spoke; unused in the profile open.')
param addresses object
param hubNetworkId string
param useHubGateway bool
param dnsServers array
@description('Ids of private DNS zones by service; empty makes zones here, which a landing zone usually has.')
param zoneIds object
@description('Who may call the app in the profile restricted.')
param allowedCallers array
param receivers array
@description('{objectId, identifierUri, tenantId} for the action group; empty where nothing calls POST /api/v1/alerts.')
param webhookIdentity object
@description('Values of the settings whose source is `operator` in generated/signalbox.json.')
param operatorSettings object
@description('The vault of the signing keys in this resource group; empty until the keys are made.')
param signingVault string
@description('The key of each purpose in that vault: [{purpose, key}].')
param signingKeys array
@description('{subscription, resourceGroup, communication, email}: what sends notices by mail; empty where a mail server does.')
param mail object
param customerKey object
@allowed(['storage', 'scheduler'])
param durableBackend string
param schedulerAddresses array
param instanceMemory int
param mostInstances int
param alwaysReady int
param retentionDays int
@description('{amount, startDate}')
param budget object

var data = loadJsonContent('generated/signalbox.json')
var alertRules = loadJsonContent('alerts.json')
var isOpen = profile == 'open'
var isSealed = profile == 'sealed'
var compact = toLower(replace(name, '-', ''))
var suffix = take(uniqueString(resourceGroup().id, name), 5)
var appName = 'func-${name}-${suffix}'
var serviceNames = ['blob', 'queue', 'table', 'vault', 'namespace', 'topic', 'sites']
var zoneNames = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  vault: 'privatelink.vaultcore.azure.net'
  namespace: 'privatelink.servicebus.windows.net'
  topic: 'privatelink.eventgrid.azure.net'
  sites: 'privatelink.azurewebsites.net'
}
var makesZones = !isOpen && empty(zoneIds)
var endpoints = [
  {
    name: 'blob'
    id: storage.outputs.id
  }
  {
    name: 'queue'
    id: storage.outputs.id
  }
  {
    name: 'table'
    id: storage.outputs.id
  }
  {
    name: 'vault'
    id: vault.outputs.id
  }
  {
    name: 'namespace'
    id: bus.outputs.id
  }
  {
    name: 'topic'
    id: topic.outputs.id
  }
]

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: 'id-${name}'
    location: location
    tags: tags
  }
}

module monitor 'modules/monitor.bicep' = {
  name: 'monitor'
  params: {
    name: name
    location: location
    tags: tags
    retentionDays: retentionDays
    // Telemetry goes out by Azure Monitor's public addresses unless the landing zone has a private link scope.
    public: !isSealed
    receivers: receivers
    webhook: isSealed || empty(webhookIdentity) ? '' : 'https://${appName}.azurewebsites.net/api/v1/alerts'
    webhookIdentity: webhookIdentity
  }
}

module network 'modules/network.bicep' = if (!isOpen) {
  name: 'network'
  params: {
    name: name
    location: location
    tags: tags
    addressPrefixes: addresses
    hubNetworkId: hubNetworkId
    useHubGateway: useHubGateway
    dnsServers: dnsServers
  }
}

module zones 'modules/dns-zones.bicep' = if (makesZones) {
  name: 'zones'
  params: {
    names: [for service in serviceNames: zoneNames[service]]
    networkId: network.outputs.id
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: take('st${compact}${suffix}', 24)
    location: location
    tags: tags
    containers: ['packages']
    hierarchical: false
    public: isOpen
    lock: true
    logsId: monitor.outputs.logsId
    sku: 'Standard_ZRS'
    customerKey: customerKey
    trustedResources: []
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: take('kv-${compact}-${suffix}', 24)
    location: location
    tags: tags
    public: isOpen
    lock: true
    logsId: monitor.outputs.logsId
  }
}

module bus 'modules/bus.bicep' = {
  name: 'bus'
  params: {
    name: 'sbns-${name}-${suffix}'
    location: location
    tags: tags
    public: isOpen
    queues: data.queues
    topic: data.topic
    logsId: monitor.outputs.logsId
  }
}

module topic 'modules/topic.bicep' = {
  name: 'topic'
  params: {
    name: 'evgt-${name}'
    location: location
    tags: tags
    public: isOpen
    logsId: monitor.outputs.logsId
  }
}

module scheduler 'modules/scheduler.bicep' = if (durableBackend == 'scheduler') {
  name: 'scheduler'
  params: {
    name: 'dts-${name}'
    location: location
    tags: tags
    hub: 'signalbox'
    public: !isSealed
    allowedAddresses: schedulerAddresses
    sku: 'Consumption'
    principalId: identity.outputs.principalId
  }
}

var platformSettings = {
  AZURE_CLIENT_ID: identity.outputs.clientId
  AZURE_LOG_ANALYTICS_WORKSPACES: monitor.outputs.logsCustomerId
  APPLICATIONINSIGHTS_CONNECTION_STRING: monitor.outputs.insightsConnection
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
  AzureWebJobsStorage__accountName: storage.outputs.name
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.outputs.clientId
  DATA_HUB__blobServiceUri: 'https://${data.hub.account}.blob.${environment().suffixes.storage}'
  EVENT_GRID_TOPIC__topicEndpointUri: topic.outputs.endpoint
  SERVICE_BUS__fullyQualifiedNamespace: bus.outputs.host
  SERVICE_BUS__credential: 'managedidentity'
  SERVICE_BUS__clientId: identity.outputs.clientId
}
var schedulerSettings = durableBackend == 'scheduler' ? {
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${scheduler.outputs.endpoint};TaskHub=signalbox;Authentication=ManagedIdentity;ClientID=${identity.outputs.clientId}'
} : {}

module app 'modules/app.bicep' = {
  name: 'app'
  params: {
    name: appName
    location: location
    tags: tags
    exposure: isOpen ? 'public' : isSealed ? 'closed' : 'filtered'
    allowedCallers: isOpen || isSealed ? [] : allowedCallers
    identityId: identity.outputs.id
    storageName: storage.outputs.name
    subnetId: isOpen ? '' : network.outputs.appSubnetId
    settings: union(data.settingValues, operatorSettings, platformSettings, schedulerSettings)
    instanceMemory: instanceMemory
    mostInstances: mostInstances
    alwaysReady: alwaysReady
    logsId: monitor.outputs.logsId
  }
  // The host starts at once: without its roles it would not come up.
  dependsOn: [storageRoles, busRoles, vaultRoles]
}

module privateEndpoints 'modules/private-endpoint.bicep' = [for endpoint in endpoints: if (!isOpen) {
  name: 'endpoint-${endpoint.name}'
  params: {
    name: 'pep-${name}-${endpoint.name}'
    location: location
    tags: tags
    subnetId: network.outputs.endpointsSubnetId
    serviceId: endpoint.id
    groupId: endpoint.name
    zoneIds: makesZones ? [resourceId('Microsoft.Network/privateDnsZones', zoneNames[endpoint.name])] : [zoneIds[endpoint.name]]
  }
  dependsOn: [zones]
}]

module appEndpoint 'modules/private-endpoint.bicep' = if (isSealed) {
  name: 'endpoint-sites'
  params: {
    name: 'pep-${name}-sites'
    location: location
    tags: tags
    subnetId: network.outputs.endpointsSubnetId
    serviceId: app.outputs.id
    groupId: 'sites'
    zoneIds: makesZones ? [resourceId('Microsoft.Network/privateDnsZones', zoneNames.sites)] : [zoneIds.sites]
  }
  dependsOn: [zones]
}

module storageRoles 'modules/role-account.bicep' = [for row in data.roles: if (row.target == 'host-storage') {
  name: 'role-host-${row.id}'
  params: {
    account: storage.outputs.name
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

module busRoles 'modules/role-bus.bicep' = [for row in data.roles: if (row.target == 'queues' || row.target == 'bus') {
  name: 'role-bus-${row.target}-${row.id}'
  params: {
    namespace: bus.outputs.name
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

module resultsRoles 'modules/role-results.bicep' = [for row in data.roles: if (row.target == 'results-topic') {
  name: 'role-results-${row.id}'
  params: {
    namespace: bus.outputs.name
    topic: data.topic.name
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

module topicRoles 'modules/role-topic.bicep' = [for row in data.roles: if (row.target == 'topic') {
  name: 'role-topic-${row.id}'
  params: {
    topic: topic.outputs.name
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

module vaultRoles 'modules/role-vault.bicep' = [for row in data.roles: if (row.target == 'vault') {
  name: 'role-vault-${row.id}'
  params: {
    vault: vault.outputs.name
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

// Where releases count requests by the traffic log.
module logsRoles 'modules/role-logs.bicep' = [for row in data.roles: if (startsWith(row.target, 'logs:')) {
  name: 'role-logs-${row.id}'
  params: {
    logs: last(split(monitor.outputs.logsId, '/'))
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

module mailRoles 'modules/role-mail.bicep' = [for row in data.roles: if (row.target == 'mail') {
  name: 'role-mail-${row.id}'
  scope: resourceGroup(mail.subscription, mail.resourceGroup)
  params: {
    communication: mail.communication
    email: mail.email
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

// Key Vault Crypto User, on each key by itself.
module keyRoles 'modules/role-key.bicep' = [for key in signingKeys: if (!empty(signingVault)) {
  name: 'role-key-${key.purpose}'
  params: {
    vault: signingVault
    key: key.key
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: '12338af0-0e69-4776-bea7-57ae8d297424'
  }
}]

// Monitoring Metrics Publisher: local authentication of Application Insights is off.
module telemetryRole 'modules/role-insights.bicep' = {
  name: 'role-telemetry'
  params: {
    insights: monitor.outputs.insightsName
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleId: '3913510d-42f4-4e42-8a64-420c390055eb'
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    name: name
    location: location
    tags: tags
    insightsId: monitor.outputs.insightsId
    actionsId: monitor.outputs.actionsId
    rules: alertRules.rules
    queries: {
      'run-failures-fast': loadTextContent('queries/run-failures-fast.kql')
      'run-failures-slow': loadTextContent('queries/run-failures-slow.kql')
      'effect-lag-fast': loadTextContent('queries/effect-lag-fast.kql')
      'effect-lag-slow': loadTextContent('queries/effect-lag-slow.kql')
      'dead-letters': loadTextContent('queries/dead-letters.kql')
      'stuck-runs': loadTextContent('queries/stuck-runs.kql')
      'audit-alarm': loadTextContent('queries/audit-alarm.kql')
      'lost-events': loadTextContent('queries/lost-events.kql')
      'broken-activities': loadTextContent('queries/broken-activities.kql')
    }
    workbook: loadTextContent('workbook.json')
  }
}

module spending 'modules/budget.bicep' = {
  name: 'budget'
  params: {
    name: 'budget-${name}'
    amount: budget.amount
    startDate: budget.startDate
    actionGroupIds: [monitor.outputs.actionsId]
  }
}

output appPrincipalId string = identity.outputs.principalId
output appName string = app.outputs.name
output appId string = app.outputs.id
output busId string = bus.outputs.id
output logsId string = monitor.outputs.logsId
output insightsId string = monitor.outputs.insightsId
output actionsId string = monitor.outputs.actionsId
output endpointsSubnetId string = isOpen ? '' : network.outputs.endpointsSubnetId
