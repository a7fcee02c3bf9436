"""A gateway for texts that a file describes, so that another provider needs no code (docs/gateway.md)."""
