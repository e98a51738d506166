// A role on a Service Bus namespace.
param namespace string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource bus 'Microsoft.ServiceBus/namespaces@2026-01-01' existing = {
  name: namespace
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(bus.id, principalId, roleId)
  scope: bus
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
