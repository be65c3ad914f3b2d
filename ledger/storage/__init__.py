"""What is kept, and how: one SQL database is the truth. Nothing here decides."""
