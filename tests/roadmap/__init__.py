"""Tests of what was decided and why."""
