"""What callers hear, and how the telephone network asks for it."""
