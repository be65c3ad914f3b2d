"""A node's database in two sealed files, and the guarded way back."""
