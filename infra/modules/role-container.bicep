// A role on one container, and on no other of its account.
param account string
param container string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource blobs 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-08-01' existing = {
  name: '${account}/default/${container}'
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(blobs.id, principalId, roleId)
  scope: blobs
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
