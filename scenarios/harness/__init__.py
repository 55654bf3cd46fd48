"""The machinery under the drills: worlds, records, checks, verdicts and the command line."""
