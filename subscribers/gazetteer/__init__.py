"""A city's addresses, offline: from what somebody texts to a place on the map, never closer than the block."""
