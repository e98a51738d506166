// A private endpoint of one service, and its entries in private DNS unless a policy of the landing zone makes them.
param name string
param location string
param tags object
param subnetId string
param serviceId string
@description('What of the service is reached, such as blob, queue, table, vault, namespace, sites or amlworkspace.')
param groupId string
@description('Ids of private DNS zones; empty where a policy attaches them.')
param zoneIds array

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          privateLinkServiceId: serviceId
          groupIds: [groupId]
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = if (!empty(zoneIds)) {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [for index in range(0, length(zoneIds)): {
      name: 'zone-${index}'
      properties: {
        privateDnsZoneId: zoneIds[index]
      }
    }]
  }
}
