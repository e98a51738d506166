// Private DNS zones of the services, linked to the spoke: for networks whose landing zone has none.
param names array
param networkId string
param tags object

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for zone in names: {
  name: zone
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for index in range(0, length(names)): {
  parent: zones[index]
  name: 'link-${uniqueString(networkId)}'
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: networkId
    }
  }
}]
