"""Schemathesis over the whole OpenAPI document, in the suite and, larger, in benchmarks/fuzz_api.py."""
