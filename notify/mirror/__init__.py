"""A second place for everything published: how it is kept in step, and how anybody sees whether it is."""
