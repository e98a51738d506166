// A role on one queue.
param namespace string
param queue string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource door 'Microsoft.ServiceBus/namespaces/queues@2026-01-01' existing = {
  name: '${namespace}/${queue}'
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(door.id, principalId, roleId)
  scope: door
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
