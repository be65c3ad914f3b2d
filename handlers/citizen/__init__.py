"""What a citizen may say, one file a topic."""
