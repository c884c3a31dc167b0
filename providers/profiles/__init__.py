"""What a profile is made of: files, layers, their check and their explanation."""
