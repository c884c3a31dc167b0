"""What comes back that is not as it should be, and what is told beside it."""
