// The Functions app on Flex Consumption. It holds no secret: every connection is by its identity.
param name string
param location string
param tags object
@description('public: anybody may knock. filtered: only allowedCallers. closed: only private endpoints.')
@allowed(['public', 'filtered', 'closed'])
param exposure string
@description('[{name, priority, ipAddress, tag}]: ranges of addresses (tag Default) or service tags (tag ServiceTag).')
param allowedCallers array
param identityId string
param storageName string
@description('The subnet that the app calls out from; empty for none.')
param subnetId string
@description('Every setting of the app by name.')
param settings object
@allowed([512, 2048, 4096])
param instanceMemory int
@minValue(40)
@maxValue(1000)
param mostInstances int
@description('Instances that never sleep, for the groups http and durable; 0 for none.')
param alwaysReady int
param logsId string

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'asp-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: alwaysReady > 1
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'signalbox'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: exposure == 'closed' ? 'Disabled' : 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    outboundVnetRouting: empty(subnetId) ? null : {
      allTraffic: true
    }
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      ipSecurityRestrictionsDefaultAction: exposure == 'public' ? 'Allow' : 'Deny'
      ipSecurityRestrictions: [for caller in allowedCallers: {
        name: caller.name
        priority: caller.priority
        action: 'Allow'
        ipAddress: caller.ipAddress
        tag: caller.tag
      }]
      scmIpSecurityRestrictionsDefaultAction: exposure == 'public' ? 'Allow' : 'Deny'
      scmIpSecurityRestrictionsUseMain: exposure != 'public'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: 'https://${storageName}.blob.${environment().suffixes.storage}/packages'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.12'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemory
        maximumInstanceCount: mostInstances
        alwaysReady: alwaysReady == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReady
          }
          {
            name: 'durable'
            instanceCount: alwaysReady
          }
        ]
      }
    }
  }
}

// One writer of settings: those inside siteConfig would be overwritten by these.
resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: settings
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-logs'
  scope: app
  properties: {
    workspaceId: logsId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
  }
}

output id string = app.id
output name string = app.name
output host string = app.properties.defaultHostName
