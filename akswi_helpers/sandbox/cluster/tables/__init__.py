"""What an object is made of: kinds, fields, defaults, encodings, read off a real API server."""
