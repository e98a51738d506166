// A role on a Log Analytics workspace.
param logs string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: logs
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, principalId, roleId)
  scope: workspace
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
