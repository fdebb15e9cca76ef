metadata description = 'A cluster whose tokens Entra ID can check, and the role that lets its maker use it.'

param name string
param location string
param tags object
param userNodePoolName string
param systemVmSize string
param userVmSize string

@description('Who may do everything in the cluster. Being Owner of the subscription is not enough.')
param adminObjectId string
param adminPrincipalType string

@description('Built-in role: Azure Kubernetes Service RBAC Cluster Admin.')
var clusterAdminRoleId = 'b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b'

// No Kubernetes version: AKS picks its default, which is always one that it supports.
resource cluster 'Microsoft.ContainerService/managedClusters@2025-10-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Base'
    tier: 'Free'
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    dnsPrefix: '${name}-dns'
    disableLocalAccounts: true
    aadProfile: {
      managed: true
      enableAzureRBAC: true
    }
    oidcIssuerProfile: {
      enabled: true
    }
    securityProfile: {
      workloadIdentity: {
        enabled: true
      }
    }
    addonProfiles: {
      azureKeyvaultSecretsProvider: {
        enabled: true
        config: {
          enableSecretRotation: 'true'
          rotationPollInterval: '2m'
        }
      }
    }
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
    }
    agentPoolProfiles: [
      {
        name: 'npsystem'
        mode: 'System'
        count: 1
        vmSize: systemVmSize
        osType: 'Linux'
        type: 'VirtualMachineScaleSets'
        nodeTaints: [
          'CriticalAddonsOnly=true:NoSchedule'
        ]
        tags: tags
      }
      {
        name: userNodePoolName
        mode: 'User'
        count: 1
        vmSize: userVmSize
        osType: 'Linux'
        type: 'VirtualMachineScaleSets'
        tags: tags
      }
    ]
  }
}

resource clusterAdmin 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: cluster
  name: guid(cluster.id, adminObjectId, clusterAdminRoleId)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', clusterAdminRoleId)
    principalId: adminObjectId
    principalType: adminPrincipalType
  }
}

output name string = cluster.name
output oidcIssuerUrl string = cluster.properties.oidcIssuerProfile.issuerURL
output nodeResourceGroup string = cluster.properties.nodeResourceGroup
