"""The benchmark table: `make bench`. Ratios measured in one run, against a limit or a peer on the same machine."""
