// A role on an Event Grid topic.
param topic string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource events 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topic
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(events.id, principalId, roleId)
  scope: events
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
