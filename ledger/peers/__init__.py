"""What departments do to each other: follow, witness, mirror, exchange, and keep evidence."""
