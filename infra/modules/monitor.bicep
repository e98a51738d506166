// Where logs, traces and metrics go, and whom alerts reach.
param name string
param location string
param tags object
@description('Days; at least 30.')
@minValue(30)
@maxValue(730)
param retentionDays int
param public bool
@description('People and systems that alerts reach: [{name, email}].')
param receivers array
@description('The address of POST /api/v1/alerts, empty where the app cannot be reached by an action group.')
param webhook string
@description('{objectId, identifierUri, tenantId} of the application that the webhook is called as.')
param webhookIdentity object

resource logs 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    publicNetworkAccessForIngestion: public ? 'Enabled' : 'Disabled'
    publicNetworkAccessForQuery: public ? 'Enabled' : 'Disabled'
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: logs.id
    DisableLocalAuth: true
    publicNetworkAccessForIngestion: public ? 'Enabled' : 'Disabled'
    publicNetworkAccessForQuery: public ? 'Enabled' : 'Disabled'
  }
}

resource actions 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: take(replace(name, '-', ''), 12)
    emailReceivers: [for receiver in receivers: {
      name: receiver.name
      emailAddress: receiver.email
      useCommonAlertSchema: true
    }]
    webhookReceivers: empty(webhook) ? [] : [
      {
        name: 'signalbox'
        serviceUri: webhook
        useAadAuth: true
        objectId: webhookIdentity.objectId
        identifierUri: webhookIdentity.identifierUri
        tenantId: webhookIdentity.tenantId
        useCommonAlertSchema: true
      }
    ]
  }
}

resource logsLock 'Microsoft.Authorization/locks@2020-05-01' = {
  name: 'keep'
  scope: logs
  properties: {
    level: 'CanNotDelete'
    notes: 'The log of who did what outlives what it tells of.'
  }
}

output logsId string = logs.id
output logsCustomerId string = logs.properties.customerId
output insightsId string = insights.id
output insightsConnection string = insights.properties.ConnectionString
output insightsName string = insights.name
output actionsId string = actions.id
