"""Measurements of the real thing; no part of the package, and no tests."""
