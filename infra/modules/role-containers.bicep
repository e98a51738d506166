// A role on each of some containers of one account.
param account string
param containers array
param principalId string
@allowed(['ServicePrincipal', 'Group'])
param principalType string
param roleId string

module roles 'role-container.bicep' = [for container in containers: {
  name: 'role-${container}'
  params: {
    account: account
    container: container
    principalId: principalId
    principalType: principalType
    roleId: roleId
  }
}]
