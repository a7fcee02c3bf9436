"""What is said, where, and what may become of it: drafts, decisions, areas, hazards, and the life of an alert."""
