"""What runs when everybody calls at once (part 4 of the plan; empty until then)."""
