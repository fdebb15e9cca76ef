"""A cluster's HTTP API: who calls, what they may, every path and verb."""
