// A role on the resource group that this is deployed to.
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId, roleId)
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
