"""Several processes of one instance on PostgreSQL: which of them does what, and how they hear of each other."""
