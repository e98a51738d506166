// What a month may cost, and who hears of it before and after.
param name string
@minValue(1)
param amount int
@description('The first day of a month, such as 2026-12-01.')
param startDate string
@description('Action groups that hear of it.')
param actionGroupIds array

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    notifications: {
      spent80: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: []
        contactGroups: actionGroupIds
      }
      foreseen100: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: []
        contactGroups: actionGroupIds
      }
    }
  }
}
