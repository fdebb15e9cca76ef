"""A local process that speaks the protocols of Azure and of an AKS cluster to unmodified clients.

`server` opens the doors, `dispatch` finds who answers, `azure/` holds one file per Azure service,
`templates/` Resource Manager's template engine, `cluster/` the Kubernetes side. `world` is the
memory they share, `wire` the words.
"""
