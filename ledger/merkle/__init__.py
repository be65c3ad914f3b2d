"""The log's mathematics and wire formats, pure: hashes, proofs, tiles, notes, cosignatures, policies."""
