// A storage account that only identities open, with its containers, its diagnostics and, where nothing breaks, a lock.
@minLength(3)
@maxLength(24)
param name string
param location string
param tags object
@description('Names of the containers; none of them is public.')
param containers array
param hierarchical bool
param public bool
param lock bool
param logsId string
@description('ZRS or GRS for what must survive a zone or a region.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param sku string
@description('{keyVaultUri, keyName, identityId} for customer-managed keys; empty for those of the platform.')
param customerKey object
@description('[{tenantId, resourceId}] that may pass the firewall by their identity, such as topics of Event Grid.')
param trustedResources array

resource account 'Microsoft.Storage/storageAccounts@2025-08-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  identity: empty(customerKey) ? {
    type: 'None'
  } : {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${customerKey.identityId}': {}
    }
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isHnsEnabled: hierarchical
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: public ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: public ? 'Allow' : 'Deny'
      resourceAccessRules: trustedResources
    }
    encryption: empty(customerKey) ? {
      keySource: 'Microsoft.Storage'
      requireInfrastructureEncryption: true
    } : {
      keySource: 'Microsoft.Keyvault'
      requireInfrastructureEncryption: true
      identity: {
        userAssignedIdentity: customerKey.identityId
      }
      keyvaultproperties: {
        keyvaulturi: customerKey.keyVaultUri
        keyname: customerKey.keyName
      }
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-08-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 14
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 14
    }
  }
}

resource blobContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-08-01' = [for container in containers: {
  parent: blobs
  name: container
  properties: {
    publicAccess: 'None'
  }
}]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-logs'
  scope: blobs
  properties: {
    workspaceId: logsId
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

resource accountLock 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'keep'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'Runs, decisions and data lie here.'
  }
}

output id string = account.id
output name string = account.name
