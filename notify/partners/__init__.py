"""What partner agencies get pushed: signed webhooks, and the guard on every request to an address that somebody typed."""
