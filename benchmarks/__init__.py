"""Benchmarks of chainrule: `python3 dev.py bench`, or `python -m benchmarks --help`."""
