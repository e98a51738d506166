// Service Bus: the queues of the doors, and the topic of results. Every row comes from the generated data.
@minLength(6)
@maxLength(50)
param name string
param location string
param tags object
param public bool
@description('[{name, setting, properties}]')
param queues array
@description('{name, properties, listeners}')
param topic object
param logsId string

// Private endpoints need Premium.
resource namespace 'Microsoft.ServiceBus/namespaces@2026-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: public ? 'Standard' : 'Premium'
    tier: public ? 'Standard' : 'Premium'
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: public ? 'Enabled' : 'Disabled'
  }
}

resource doors 'Microsoft.ServiceBus/namespaces/queues@2026-01-01' = [for queue in queues: {
  parent: namespace
  name: queue.name
  properties: queue.properties
}]

resource results 'Microsoft.ServiceBus/namespaces/topics@2026-01-01' = {
  parent: namespace
  name: topic.name
  properties: topic.properties
}

resource listeners 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2026-01-01' = [for listener in topic.listeners: {
  parent: results
  name: listener
  properties: {
    maxDeliveryCount: 10
    deadLetteringOnMessageExpiration: true
  }
}]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-logs'
  scope: namespace
  properties: {
    workspaceId: logsId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output id string = namespace.id
output name string = namespace.name
output host string = '${namespace.name}.servicebus.windows.net'
