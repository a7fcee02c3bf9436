"""The text dialog with residents: a pure function from what somebody wrote, and what we hold of them, to acts and answers."""
