"""The same town as at the desk."""

from tests.desk.conftest import either_town, town

__all__ = ["either_town", "town"]
