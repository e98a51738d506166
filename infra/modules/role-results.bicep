// A role on one topic of Service Bus.
param namespace string
param topic string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource results 'Microsoft.ServiceBus/namespaces/topics@2026-01-01' existing = {
  name: '${namespace}/${topic}'
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(results.id, principalId, roleId)
  scope: results
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
