// Array form: loops, batches, conditions, children, extension resources, nested deployments.
param names array = ['Red', 'green', 'blue']
param withVault bool = true
param location string = resourceGroup().location

var tags = { owner: toLower('ME'), count: string(length(names)) }
var upper = [for (name, i) in names: { key: toUpper(name), place: i * 10 }]

resource identities 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = [
  for (name, i) in names: {
    name: 'id-${padLeft(i + 1, 2, '0')}-${toLower(name)}'
    location: location
    tags: union(tags, { place: string(upper[i].place) })
  }
]

@batchSize(2)
resource credentials 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = [
  for i in range(0, 3): {
    parent: identities[i]
    name: 'fic-${i}'
    properties: {
      issuer: 'https://issuer/${uniqueString(resourceGroup().id, names[i])}'
      subject: join(['system', 'serviceaccount', names[i]], ':')
      audiences: ['api://AzureADTokenExchange']
    }
  }
]

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = if (withVault) {
  name: take('kv-${uniqueString(resourceGroup().id, 'x')}', 10)
  location: location
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    accessPolicies: [
      for name in names: {
        tenantId: subscription().tenantId
        objectId: guid(name)
        permissions: { secrets: contains(name, 'e') ? ['get'] : ['get', 'list'] }
      }
    ]
  }
}

resource skipped 'Microsoft.KeyVault/vaults@2024-11-01' = if (!withVault) {
  name: 'kv-never'
  location: location
  properties: { tenantId: tenant().tenantId, sku: { family: 'A', name: 'standard' } }
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, 'reader')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
    principalId: guid('someone')
  }
}

module inner 'inner.bicep' = [
  for name in names: {
    name: 'inner-${name}'
    params: { name: 'kv-${toLower(name)}', parts: split('a,b;c', [',', ';']) }
  }
]
