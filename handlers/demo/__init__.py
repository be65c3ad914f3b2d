"""The demo network of 青禾县: its processes, and its story told as data."""

from handlers.demo.launcher import run, throw_away

__all__ = ["run", "throw_away"]
