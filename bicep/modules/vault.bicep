metadata description = 'A vault that asks Azure RBAC, its one secret, and the role of the one who fills it.'

param name string
param location string
param tags object

@description('Who may read and write the secrets. Being Owner of the subscription is not enough.')
param officerObjectId string
param officerPrincipalType string

@secure()
param secretValue string

@description('Built-in role: Key Vault Secrets Officer.')
var secretsOfficerRoleId = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    publicNetworkAccess: 'Enabled'
  }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'arbitrarySecret'
  tags: tags
  properties: {
    value: secretValue
  }
}

resource officer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, officerObjectId, secretsOfficerRoleId)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsOfficerRoleId)
    principalId: officerObjectId
    principalType: officerPrincipalType
  }
}

output name string = vault.name
