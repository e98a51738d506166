// A role on a storage account.
param account string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource storage 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: account
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, principalId, roleId)
  scope: storage
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
