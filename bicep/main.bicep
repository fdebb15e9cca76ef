metadata description = 'One AKS cluster, five Key Vaults and three identities: five ways for an app to prove who it is.'

targetScope = 'resourceGroup'

@description('Where everything is made.')
param location string = resourceGroup().location

@description('Part of every name, so that two labs can live side by side.')
@minLength(3)
@maxLength(12)
param nameSeed string = 'akswi'

@description('Put on everything that can carry tags; they say whose lab it is.')
param tags object = {}

@description('The node pool that the apps run on.')
@maxLength(12)
param userNodePoolName string = 'npuser01'

@description('VM size of the system pool: at least 2 vCPU and 4 GB.')
param systemVmSize string = 'Standard_D2s_v5'

@description('VM size of the pool that the apps run on.')
param userVmSize string = 'Standard_D2s_v5'

@description('What you are in Entra ID: a person is a User, a pipeline a ServicePrincipal.')
@allowed([
  'ServicePrincipal'
  'User'
])
param deployerPrincipalType string = 'ServicePrincipal'

@description('Every secret is computed from it, so nobody who lacks it can guess one.')
@secure()
param secretSeed string = newGuid()

var appNumbers = range(1, 5)
var appsWithIdentity = [1, 3, 5]
var appsWithCredential = [1, 5]

var vaultNames = [
  for number in appNumbers: take(
    'kv-${replace('app${number}${nameSeed}', '-', '')}${uniqueString(resourceGroup().id, 'app${number}${nameSeed}')}',
    24
  )
]

module cluster 'modules/cluster.bicep' = {
  name: 'cluster'
  params: {
    name: 'aks-${nameSeed}'
    location: location
    tags: tags
    userNodePoolName: userNodePoolName
    systemVmSize: systemVmSize
    userVmSize: userVmSize
    adminObjectId: deployer().objectId
    adminPrincipalType: deployerPrincipalType
  }
}

module vaults 'modules/vault.bicep' = [
  for (number, i) in appNumbers: {
    name: 'vault-app${number}'
    params: {
      name: vaultNames[i]
      location: location
      tags: tags
      officerObjectId: deployer().objectId
      officerPrincipalType: deployerPrincipalType
      secretValue: guid(secretSeed, vaultNames[i])
    }
  }
]

module identities 'modules/identity.bicep' = [
  for number in appsWithIdentity: {
    name: 'identity-app${number}'
    params: {
      name: 'id-app${number}'
      location: location
      tags: tags
    }
  }
]

// One after the other: Azure refuses credentials that are written at the same moment.
@batchSize(1)
module credentials 'modules/federatedCredential.bicep' = [
  for number in appsWithCredential: {
    name: 'credential-app${number}'
    params: {
      identityName: identities[indexOf(appsWithIdentity, number)].outputs.name
      name: '${nameSeed}-app${number}'
      issuer: cluster.outputs.oidcIssuerUrl
      subject: 'system:serviceaccount:app${number}:app${number}-workloadidapp${number}'
    }
  }
]

// Each identity may read one vault: its own app's.
module vaultRoles 'kvRbac.bicep' = [
  for (number, i) in appsWithIdentity: {
    name: 'vaultRole-app${number}'
    params: {
      kvName: vaults[number - 1].outputs.name
      principalId: identities[i].outputs.principalId
    }
  }
]

output aksOidcIssuerUrl string = cluster.outputs.oidcIssuerUrl
output aksClusterName string = cluster.outputs.name
output aksUserNodePoolName string = userNodePoolName
output nodeResourceGroup string = cluster.outputs.nodeResourceGroup
output tenantId string = tenant().tenantId
output kvApp1Name string = vaults[0].outputs.name
output kvApp2Name string = vaults[1].outputs.name
output kvApp3Name string = vaults[2].outputs.name
output kvApp4Name string = vaults[3].outputs.name
output kvApp5Name string = vaults[4].outputs.name
output idApp1ClientId string = identities[0].outputs.clientId
output idApp3ClientId string = identities[1].outputs.clientId
output idApp5ClientId string = identities[2].outputs.clientId
output idApp1Id string = identities[0].outputs.id
output idApp3Id string = identities[1].outputs.id
output idApp5Id string = identities[2].outputs.id
