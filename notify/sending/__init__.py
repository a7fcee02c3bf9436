"""How it leaves and what became of it: the ledger, leases, pace, the sender loop and the providers' reports."""
