"""Tests of the pipeline, on PostgreSQL."""
