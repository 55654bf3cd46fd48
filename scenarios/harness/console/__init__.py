"""The console of a live game day: people meet faults that a facilitator injects."""
