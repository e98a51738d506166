// Event subscriptions of the Data Hub, or of a team's hub: applied after the code, since a function must run before it can be subscribed.
param topicName string
@description('[{name, eventTypes, filters}] of that account, from the generated data.')
param rows array
@description('The account of the Data Hub, where all dead letters are kept.')
param lettersAccountId string
@description('queue: events wait in Service Bus, and no door is needed. function: Event Grid calls the app, which must be public.')
@allowed(['queue', 'function'])
param delivery string
@description('The queue of events, or the function receive_hub_event.')
param destinationId string
param eventTimeToLiveMinutes int = 1440

var data = loadJsonContent('generated/signalbox.json')
var letters = {
  identity: {
    type: 'SystemAssigned'
  }
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties: {
      resourceId: lettersAccountId
      blobContainerName: data.hub.deadLetters
    }
  }
}

resource systemTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource queued 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [for row in rows: if (delivery == 'queue') {
  parent: systemTopic
  name: row.name
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'ServiceBusQueue'
        properties: {
          resourceId: destinationId
        }
      }
    }
    filter: {
      includedEventTypes: row.eventTypes
      isSubjectCaseSensitive: false
      advancedFilters: row.filters
    }
    retryPolicy: {
      eventTimeToLiveInMinutes: eventTimeToLiveMinutes
      maxDeliveryAttempts: 30
    }
    deadLetterWithResourceIdentity: letters
  }
}]

resource called 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [for row in rows: if (delivery == 'function') {
  parent: systemTopic
  name: row.name
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: destinationId
        maxEventsPerBatch: 1
      }
    }
    filter: {
      includedEventTypes: row.eventTypes
      isSubjectCaseSensitive: false
      advancedFilters: row.filters
    }
    retryPolicy: {
      eventTimeToLiveInMinutes: eventTimeToLiveMinutes
      maxDeliveryAttempts: 30
    }
    deadLetterWithResourceIdentity: letters
  }
}]
