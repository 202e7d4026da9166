"""Settings of all tests."""

import gc

from hypothesis import HealthCheck, settings

# The same examples in each run, so that a red build can be repeated; a law that needs more examples asks for them.
# Nothing depends on the time that examples take: a machine may be busy.
SETTINGS = {"derandomize": True, "deadline": None, "max_examples": 50}
settings.register_profile("reproducible", **SETTINGS, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("reproducible")


def pytest_collection_finish():
    """Takes what was imported out of the garbage collections, of which each training does two: a third of its time."""
    gc.collect()
    gc.freeze()
