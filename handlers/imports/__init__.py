"""What comes in as a file from a system that the office already has: read, compared with what is known, taken in.

A file is first only looked at, every line of it. It is taken in as a whole or not at all.
"""
