"""HTTP: thin handlers that parse, call and answer."""
