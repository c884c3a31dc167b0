"""What the smoke test of keys is made of: probes, verdicts, and what may be said of them."""
