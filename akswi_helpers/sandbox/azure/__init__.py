"""Azure's services, one file each: shapes, state, errors, routes.

`directory` (who exists in Entra ID) and `access` (whose token is this) are shared by all of them.
"""
