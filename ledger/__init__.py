"""What departments promise and prove: records, the log that holds them, and the peers that check it."""
