"""A trace as people read it: passes, and what each changed."""
