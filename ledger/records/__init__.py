"""What may be said, and what may follow what: pure, values in and values out."""
