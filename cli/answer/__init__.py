"""What is answered: an exchange while it runs, and every form in which it is told."""
