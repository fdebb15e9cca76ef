"""Azure's services, one room each; a room's `service` has its shapes, state, errors and routes.

`entra.directory` (who exists in Entra ID) and `entra.access` (whose token is this) serve them all.
"""
