"""When everybody calls at once: 311 takes the storm, 911 stays free."""
