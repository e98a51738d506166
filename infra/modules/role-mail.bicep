// A role on what sends mail: the Communication Services resource, and the Email one that is linked to it.
param communication string
param email string
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

resource communicationService 'Microsoft.Communication/communicationServices@2023-04-01' existing = {
  name: communication
}

resource emailService 'Microsoft.Communication/emailServices@2023-04-01' existing = {
  name: email
}

resource sends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(communicationService.id, principalId, roleId)
  scope: communicationService
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}

resource writes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(emailService.id, principalId, roleId)
  scope: emailService
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
