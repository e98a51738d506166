// The central registry in its subscription, deployed by a credential of its own. Only the app writes there.
param location string
param tags object
param replicaLocations array
@allowed(['open', 'restricted', 'sealed'])
param profile string
param appPrincipalId string
param logsId string
@description('Object ids of the groups that may read: [{persona, groupId}].')
param readers array
@description('The subnet for its private endpoint; empty in the profile open.')
param endpointsSubnetId string
param zoneIds array

var data = loadJsonContent('generated/signalbox.json')
var isOpen = profile == 'open'

resource models 'Microsoft.MachineLearningServices/registries@2026-05-01' = {
  name: data.registry.name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    publicNetworkAccess: isOpen ? 'Enabled' : 'Disabled'
    regionDetails: [for region in union([location], replicaLocations): {
      location: region
      acrDetails: [
        {
          systemCreatedAcrAccount: {
            acrAccountSku: 'Premium'
          }
        }
      ]
      storageAccountDetails: [
        {
          systemCreatedStorageAccount: {
            storageAccountType: 'Standard_ZRS'
            storageAccountHnsEnabled: false
            allowBlobPublicAccess: false
          }
        }
      ]
    }]
  }
}

module appRoles 'modules/role-registry.bicep' = [for row in data.roles: if (row.target == 'registry') {
  name: 'role-app-${row.id}'
  params: {
    registry: models.name
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleId: row.id
  }
}]

// Reader.
module readerRoles 'modules/role-registry.bicep' = [for reader in readers: {
  name: 'role-${reader.persona}'
  params: {
    registry: models.name
    principalId: reader.groupId
    principalType: 'Group'
    roleId: 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
  }
}]

module endpoint 'modules/private-endpoint.bicep' = if (!isOpen) {
  name: 'endpoint'
  params: {
    name: 'pep-${models.name}'
    location: location
    tags: tags
    subnetId: endpointsSubnetId
    serviceId: models.id
    groupId: 'amlregistry'
    zoneIds: zoneIds
  }
}

resource registryLock 'Microsoft.Authorization/locks@2020-05-01' = {
  name: 'keep'
  scope: models
  properties: {
    level: 'CanNotDelete'
    notes: 'Approved models are restored from here.'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-logs'
  scope: models
  properties: {
    workspaceId: logsId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

output id string = models.id
