// A role on Application Insights.
param insights string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource telemetry 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insights
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(telemetry.id, principalId, roleId)
  scope: telemetry
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
