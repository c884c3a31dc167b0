"""What `replay` is made of: selection, changes, the run, comparison, measures and their telling."""
