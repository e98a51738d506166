// The platform of Signalbox: its resource group, and the app with all that it stands on.
targetScope = 'subscription'

param resourceGroupName string
param location string
param settings object

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: resourceGroupName
  location: location
  tags: settings.tags
}

module platform 'platform.bicep' = {
  name: 'platform'
  scope: group
  params: {
    name: settings.name
    location: location
    tags: settings.tags
    profile: settings.profile
    addresses: settings.addresses
    hubNetworkId: settings.hubNetworkId
    useHubGateway: settings.useHubGateway
    dnsServers: settings.dnsServers
    zoneIds: settings.zoneIds
    allowedCallers: settings.allowedCallers
    receivers: settings.receivers
    webhookIdentity: settings.webhookIdentity
    operatorSettings: settings.operatorSettings
    signingVault: settings.signingVault
    signingKeys: settings.signingKeys
    mail: settings.mail
    customerKey: settings.customerKey
    durableBackend: settings.durableBackend
    schedulerAddresses: settings.schedulerAddresses
    instanceMemory: settings.instanceMemory
    mostInstances: settings.mostInstances
    alwaysReady: settings.alwaysReady
    retentionDays: settings.retentionDays
    budget: settings.budget
  }
}

output appPrincipalId string = platform.outputs.appPrincipalId
output appName string = platform.outputs.appName
output busId string = platform.outputs.busId
output logsId string = platform.outputs.logsId
output insightsId string = platform.outputs.insightsId
output actionsId string = platform.outputs.actionsId
output endpointsSubnetId string = platform.outputs.endpointsSubnetId
