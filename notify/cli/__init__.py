"""The command line. `alert ...` and `subscribers list|show` are clients of the running service; the rest opens files itself."""
