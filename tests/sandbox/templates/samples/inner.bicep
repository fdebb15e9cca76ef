param name string
param parts array
param location string = resourceGroup().location

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: { parts: string(parts), first: first(parts), deployment: deployment().name }
  properties: { tenantId: tenant().tenantId, sku: { family: 'A', name: 'standard' } }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 's'
  properties: { value: format('{0:D3}-{1}', length(parts), base64(name)) }
}

output name string = vault.name
