"""Settings of all tests."""

from hypothesis import HealthCheck, settings

# The same examples in each run, so that a red build can be repeated; a law that needs more examples asks for them.
# Nothing depends on the time that examples take: a machine may be busy.
SETTINGS = {"derandomize": True, "deadline": None, "max_examples": 50}
settings.register_profile("reproducible", **SETTINGS, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("reproducible")
