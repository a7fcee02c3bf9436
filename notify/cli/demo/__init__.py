"""The demo: its two acts, the processes they start, and who is on the phones."""
