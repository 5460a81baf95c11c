"""Tests of the concurrency toolkit."""
