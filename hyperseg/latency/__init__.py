"""The latency laboratory: protocols, clock, conditions, engines, verdict."""
