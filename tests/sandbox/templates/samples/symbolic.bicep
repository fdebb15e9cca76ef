// Symbolic form (languageVersion 2.0): user-defined types, existing resources, safe access.
type pair = { key: string, size: int? }

param pairs pair[] = [{ key: 'one', size: 2 }, { key: 'two' }]

resource standing 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: 'id-standing'
}

resource vaults 'Microsoft.KeyVault/vaults@2024-11-01' = [
  for (p, i) in pairs: {
    name: 'kv-${p.key}-${i}'
    location: resourceGroup().location
    tags: { size: string(p.?size ?? 7), standing: last(split(standing.id, '/')) }
    properties: {
      tenantId: tenant().tenantId
      sku: { family: 'A', name: 'standard' }
    }
  }
]

resource lock 'Microsoft.Authorization/locks@2020-05-01' = [
  for i in range(0, length(pairs)): {
    scope: vaults[i]
    name: 'keep'
    properties: { level: 'CanNotDelete' }
  }
]

resource last_ 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-last'
  location: resourceGroup().location
  dependsOn: [vaults, lock[1]]
}

output where string = standing.properties.clientId
output ids array = [for i in range(0, 2): vaults[i].id]
