// A role on the registry.
param registry string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource models 'Microsoft.MachineLearningServices/registries@2026-05-01' existing = {
  name: registry
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(models.id, principalId, roleId)
  scope: models
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
