"""What outlives a call: kept queries, in a folder of the service."""
