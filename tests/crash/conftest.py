"""What those that are killed are given."""

import pytest

from tests.conftest import fresh_postgres


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.attack)])
def fresh_url(request, tmp_path):
    """Another empty database each time it is asked."""
    if request.param == "sqlite":
        return lambda number: f"sqlite:///{tmp_path / f'fresh-{number}.db'}"
    server = request.getfixturevalue("postgres")
    return lambda _number: fresh_postgres(server)
