// An Azure ML workspace with its computes, its datastores and what its managed network may reach.
@minLength(3)
@maxLength(33)
param name string
param location string
param tags object
param storageId string
param vaultId string
param insightsId string
@description('A Premium registry of containers; empty where the workspace may make its own, which a managed network cannot reach.')
param containerRegistryId string
param public bool
@description('Disabled, AllowInternetOutbound or AllowOnlyApprovedOutbound.')
@allowed(['Disabled', 'AllowInternetOutbound', 'AllowOnlyApprovedOutbound'])
param isolation string
@description('[{name, destination}]: hosts that jobs may call where only approved ones are, such as the feed of packages.')
param outboundHosts array
@description('[{name, serviceId, subresource}]: services that the managed network reaches by private endpoints, such as the Data Hub.')
param outboundEndpoints array
@description('[{name, size, gpu, minimum, maximum, idleSeconds, priority}]')
param computes array
@description('[{name, account, container, subscription, resourceGroup}]')
param datastores array
@description('{keyVaultId, keyIdentifier, identityId} for customer-managed keys; empty for those of the platform.')
param customerKey object
param logsId string

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-05-01' = {
  name: name
  location: location
  tags: tags
  identity: empty(customerKey) ? {
    type: 'SystemAssigned'
  } : {
    type: 'SystemAssigned,UserAssigned'
    userAssignedIdentities: {
      '${customerKey.identityId}': {}
    }
  }
  properties: {
    friendlyName: name
    storageAccount: storageId
    keyVault: vaultId
    applicationInsights: insightsId
    containerRegistry: empty(containerRegistryId) ? null : containerRegistryId
    publicNetworkAccess: public ? 'Enabled' : 'Disabled'
    // The account's keys are off: datastores are opened by identities.
    systemDatastoresAuthMode: 'Identity'
    provisionNetworkNow: isolation != 'Disabled'
    managedNetwork: {
      isolationMode: isolation
    }
    encryption: empty(customerKey) ? null : {
      status: 'Enabled'
      keyVaultProperties: {
        keyVaultArmId: customerKey.keyVaultId
        keyIdentifier: customerKey.keyIdentifier
      }
      identity: {
        userAssignedIdentity: customerKey.identityId
      }
    }
  }
}

resource hostRules 'Microsoft.MachineLearningServices/workspaces/outboundRules@2026-05-01' = [for rule in outboundHosts: if (isolation == 'AllowOnlyApprovedOutbound') {
  parent: workspace
  name: rule.name
  properties: {
    type: 'FQDN'
    category: 'UserDefined'
    destination: rule.destination
  }
}]

resource endpointRules 'Microsoft.MachineLearningServices/workspaces/outboundRules@2026-05-01' = [for rule in outboundEndpoints: if (isolation != 'Disabled') {
  parent: workspace
  name: rule.name
  properties: {
    type: 'PrivateEndpoint'
    category: 'UserDefined'
    destination: {
      serviceResourceId: rule.serviceId
      subresourceTarget: rule.subresource
      sparkEnabled: false
    }
  }
}]

resource clusters 'Microsoft.MachineLearningServices/workspaces/computes@2026-05-01' = [for compute in computes: {
  parent: workspace
  name: compute.name
  location: location
  tags: union(tags, {
    'signalbox-compute': compute.name
  })
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      vmSize: compute.size
      vmPriority: compute.priority
      enableNodePublicIp: public
      remoteLoginPortPublicAccess: 'Disabled'
      scaleSettings: {
        minNodeCount: compute.minimum
        maxNodeCount: compute.maximum
        nodeIdleTimeBeforeScaleDown: 'PT${compute.idleSeconds}S'
      }
    }
  }
}]

resource stores 'Microsoft.MachineLearningServices/workspaces/datastores@2026-05-01' = [for store in datastores: {
  parent: workspace
  name: store.name
  properties: {
    datastoreType: 'AzureBlob'
    accountName: store.account
    containerName: store.container
    subscriptionId: store.subscription
    resourceGroup: store.resourceGroup
    serviceDataAccessAuthIdentity: 'WorkspaceSystemAssignedIdentity'
    credentials: {
      credentialsType: 'None'
    }
  }
}]

// No lock: it would keep the managed network and the clusters from being changed and scaled down.
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-logs'
  scope: workspace
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

output id string = workspace.id
output principalId string = workspace.identity.principalId
output computePrincipals array = [for index in range(0, length(computes)): clusters[index].identity.principalId]
