"""Placeholder until the pipeline lands."""


def listen() -> None: ...
