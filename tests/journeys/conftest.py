"""A server for the journeys: real web server, worker and clock on a database of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from productops.local.processes import free_port
from tests.journeys.running import RunningServer


@pytest.fixture(scope="session")
def journey_database() -> Iterator[str]:
    """The URL of an empty database beside the tests' own, dropped at the end."""
    own, _, _ = os.environ["DATABASE_URL"].partition("?")
    server, _, existing = own.rpartition("/")
    name = f"journey_{existing}_{os.getpid()}"[:63]
    _execute(own, "CREATE DATABASE {}", name)
    try:
        yield f"{server}/{name}"
    finally:
        _execute(own, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _execute(url: str, statement: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, journey_database: str) -> Iterator[RunningServer]:
    """The whole system, migrated and empty; its logs stay in pytest's temporary folder."""
    running = RunningServer(tmp_path_factory.mktemp("server") / "var", free_port(), journey_database)
    running.start()
    try:
        yield running
    finally:
        running.stop()
