"""Random plans of faults, kills and people's acts: drawn, played, judged, shrunk and replayed."""
