"""Which tests a worker takes together: those of one file, as they share what their fixtures make.

A file marked `apart` shares nothing; its tests go to whoever is free. For `--dist loadgroup`.
"""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put every test into its file's group, unless it is marked `apart`."""
    for item in items:
        if item.get_closest_marker("apart") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
