"""When it is said: surge mode from the draft to the report, by two people, by an alert or by the load."""
