"""Ways to reach an address: one file a channel. Knows nothing of alerts, people or the database."""
