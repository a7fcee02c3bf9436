"""Benchmarks: each prints ours beside its peer, measured in the same run. Never part of the suite."""
