// Containers in an account that stands already, and the policy that keeps the audit log from being changed.
param account string
param names array
@description('The container of the audit log, empty where it lies in the container of records, which no policy can protect.')
param audit string
@description('Days that an entry is kept. Locking the policy is an action and not a property: docs/deploy.md.')
@minValue(1)
param auditDays int
@description('Whether the account belongs to somebody else, whose lifecycle rules are one policy that must not be replaced.')
param accountStands bool
@description('The container of staged files.')
param staging string

resource storage 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: account
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-08-01' existing = {
  parent: storage
  name: 'default'
}

resource blobContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-08-01' = [for container in names: {
  parent: blobs
  name: container
  properties: {
    publicAccess: 'None'
  }
}]

// No append blobs and no overwriting: the audit log creates each blob once.
resource policy 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-08-01' = if (!empty(audit)) {
  name: '${account}/default/${audit}/default'
  properties: {
    immutabilityPeriodSinceCreationInDays: auditDays
    allowProtectedAppendWrites: false
  }
  dependsOn: [blobContainers]
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-08-01' = if (!accountStands) {
  parent: storage
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'staged-files-end'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['${staging}/runs/', '${staging}/imports/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: 90
                }
              }
            }
          }
        }
      ]
    }
  }
}
