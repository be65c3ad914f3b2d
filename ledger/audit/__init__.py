"""Whether what is written holds: one round with every peer, and a whole log again from its raw rows."""
