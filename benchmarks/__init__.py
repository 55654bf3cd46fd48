"""Ratios taken in one run: ours against a reference program, on the same machine and data."""
