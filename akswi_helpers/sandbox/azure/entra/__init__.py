"""Entra ID: the token endpoint, federation, who exists in the directory, whose token this is."""
