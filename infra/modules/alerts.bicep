// Log alerts of infra/alerts.json, each with its query, and the workbook.
param name string
param location string
param tags object
param insightsId string
param actionsId string
@description('[{name, title, query, severity, frequency, window, range}]')
param rules array
@description('The text of each query, by name.')
param queries object
param workbook string

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'alert-${name}-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: rule.description
    enabled: true
    severity: rule.severity
    scopes: [insightsId]
    evaluationFrequency: rule.frequency
    windowSize: rule.window
    overrideQueryTimeRange: rule.range
    // The tables are empty until the app has run.
    skipQueryValidation: true
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: queries[rule.query]
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [actionsId]
    }
  }
}]

resource overview 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, name, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: 'Signalbox'
    serializedData: workbook
    sourceId: insightsId
    version: '1.0'
  }
}
