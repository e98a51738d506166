// The spoke of the app: a subnet that it calls out from, a subnet of private endpoints, and the peering to a hub.
param name string
param location string
param tags object
@description('A /24 or larger: the app takes its first half, endpoints the third quarter, agents the last.')
param addressPrefixes object
@description('The id of the virtual network of the hub; empty where there is none.')
param hubNetworkId string
@description('Whether the gateway of the hub is used, for VPN or ExpressRoute.')
param useHubGateway bool
@description('Addresses of DNS servers; empty for those of Azure.')
param dnsServers array

resource guard 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'deny-from-internet'
        properties: {
          access: 'Deny'
          direction: 'Inbound'
          priority: 4000
          protocol: '*'
          sourceAddressPrefix: 'Internet'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: 'vnet-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressPrefixes.network]
    }
    dhcpOptions: {
      dnsServers: dnsServers
    }
    subnets: [
      {
        name: 'snet-app'
        properties: {
          addressPrefix: addressPrefixes.app
          networkSecurityGroup: {
            id: guard.id
          }
          // Flex Consumption runs on this provider, and not on Microsoft.Web/serverFarms as Premium does.
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
          // The app must reach itself to synchronise its triggers after a deployment.
          serviceEndpoints: [
            {
              service: 'Microsoft.Web'
            }
          ]
        }
      }
      {
        name: 'snet-endpoints'
        properties: {
          addressPrefix: addressPrefixes.endpoints
          privateEndpointNetworkPolicies: 'Enabled'
          networkSecurityGroup: {
            id: guard.id
          }
        }
      }
    ]
  }
}

resource peering 'Microsoft.Network/virtualNetworks/virtualNetworkPeerings@2025-05-01' = if (!empty(hubNetworkId)) {
  parent: network
  name: 'to-hub'
  properties: {
    remoteVirtualNetwork: {
      id: hubNetworkId
    }
    allowVirtualNetworkAccess: true
    allowForwardedTraffic: true
    useRemoteGateways: useHubGateway
  }
}

output id string = network.id
output appSubnetId string = '${network.id}/subnets/snet-app'
output endpointsSubnetId string = '${network.id}/subnets/snet-endpoints'
