"""People, their addresses, places and consents. Knows nothing of alerts or channels."""
