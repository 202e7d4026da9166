"""Settings of all tests."""

from hypothesis import settings

# The same examples in each run, so that a red build can be repeated; a law that needs more examples asks for them.
settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("reproducible")
