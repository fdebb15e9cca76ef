"""What the API server refuses about an object, field by field, in its own words."""
