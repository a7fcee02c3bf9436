"""From a person's decision to a delivery, and back."""
