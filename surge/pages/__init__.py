"""The pages of surge mode in the staff console."""
