"""What is asked: from what was typed, piped and attached to one request, and what it would look like on the wire."""
