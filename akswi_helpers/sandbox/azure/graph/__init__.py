"""Microsoft Graph: applications, service principals, federated credentials, the recycle bin."""
