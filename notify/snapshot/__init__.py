"""Everybody who is to be told, sealed for the day when database or provider is gone, and sent to from that file alone."""
