"""Makes the module `searches` importable from the tests beside it."""
