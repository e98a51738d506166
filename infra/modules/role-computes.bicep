// Storage Blob Data Contributor on some containers of one account, for each compute of an environment.
param account string
param containers array
param principalIds array

module roles 'role-containers.bicep' = [for principal in principalIds: {
  name: 'role-compute-${uniqueString(account, principal)}'
  params: {
    account: account
    containers: containers
    principalId: principal
    principalType: 'ServicePrincipal'
    roleId: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  }
}]
