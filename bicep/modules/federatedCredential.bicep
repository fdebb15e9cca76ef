metadata description = 'Tells Entra ID to take one service account\'s token as proof of one identity.'

param identityName string
param name string

@description('Who signs the tokens: the cluster.')
param issuer string

@description('Whom the tokens are about: system:serviceaccount:<namespace>:<service account>.')
param subject string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource credential 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = {
  parent: identity
  name: name
  properties: {
    issuer: issuer
    subject: subject
    audiences: [
      'api://AzureADTokenExchange'
    ]
  }
}
