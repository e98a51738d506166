// A role on one key, and on no other of its vault.
param vault string
param key string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource signingKey 'Microsoft.KeyVault/vaults/keys@2025-05-01' existing = {
  name: '${vault}/${key}'
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(signingKey.id, principalId, roleId)
  scope: signingKey
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
