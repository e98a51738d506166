// A role on an Azure ML workspace.
param workspace string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource machineLearning 'Microsoft.MachineLearningServices/workspaces@2026-05-01' existing = {
  name: workspace
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(machineLearning.id, principalId, roleId)
  scope: machineLearning
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
