"""Tests of what happened afterwards."""
