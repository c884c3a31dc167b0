"""What `convert` is made of: sources, work, pool and report."""
