"""Prompts that staff record by telephone: taken, listened to by somebody else, released, and played to callers."""
