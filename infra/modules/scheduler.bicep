// Durable Task Scheduler: the other backend of Durable Functions. A backend cannot be changed later: docs/deploy.md.
param name string
param location string
param tags object
param hub string
param public bool
@description('Addresses that may reach it; nobody can where the list is empty.')
@minLength(1)
param allowedAddresses array
@allowed(['Consumption', 'Dedicated'])
param sku string
param principalId string

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: {
      name: sku
    }
    ipAllowlist: allowedAddresses
    publicNetworkAccess: public ? 'Enabled' : 'Disabled'
  }
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' = {
  parent: scheduler
  name: hub
}

// Durable Task Data Contributor.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(scheduler.id, principalId, '0ad04412-c4d5-4796-b79c-f76d14c8d402')
  scope: scheduler
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '0ad04412-c4d5-4796-b79c-f76d14c8d402')
  }
}

output endpoint string = scheduler.properties.endpoint
