"""Tests of the source adapters, without a database."""
