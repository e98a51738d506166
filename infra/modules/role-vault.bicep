// A role on a Key Vault.
param vault string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource secrets 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vault
}

// A changed principal is another assignment: under the same name Azure would refuse it.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(secrets.id, principalId, roleId)
  scope: secrets
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
