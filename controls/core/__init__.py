"""The machinery under the guardrails: moments, decisions, the ledger and the one runner."""
