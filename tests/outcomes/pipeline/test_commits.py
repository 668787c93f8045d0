"""Requests of one moment share a commit, and none of them notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from django.db import DataError, OperationalError

from outcomes.pipeline import commits
from outcomes.pipeline.commits import SharedCommits

# The first writers had nobody to wait for; those who follow them, as many at most, take all that waited meanwhile.
MOST_WRITES = 2 * commits.WRITERS


class Disk:
    """Writes when it is let to; keeps what was written together."""

    def __init__(self) -> None:
        self.written: list[list[int]] = []
        self.may_write = threading.Event()

    def write(self, offers: Sequence[int]) -> list[int]:
        assert self.may_write.wait(30)
        self.written.append(list(offers))
        return [-offer for offer in offers]


def _offer_while_the_disk_is_busy(
    disk: Disk, shared: SharedCommits[int, int], offers: Sequence[int], threads: ThreadPoolExecutor
) -> list[Future[int]]:
    """Offer from a thread each, wait until all but the writers wait, then let the disk write."""
    told = [threads.submit(shared.put, offer, 1) for offer in offers]
    until = time.monotonic() + 30
    while len(shared._waiting) < len(offers) - commits.WRITERS and time.monotonic() < until:
        time.sleep(0.001)
    disk.may_write.set()
    return told


@pytest.fixture
def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(20)


def test_a_single_request_waits_for_nobody() -> None:
    disk = Disk()
    disk.may_write.set()
    assert SharedCommits(disk.write).put(7, 1) == -7
    assert disk.written == [[7]]


def test_those_who_wait_while_others_write_are_written_together_and_each_is_told_its_own(
    threads: ThreadPoolExecutor,
) -> None:
    disk = Disk()
    told = _offer_while_the_disk_is_busy(disk, SharedCommits(disk.write), range(1, 13), threads)
    assert [one.result(30) for one in told] == [-offer for offer in range(1, 13)]
    assert sorted(offer for together in disk.written for offer in together) == list(range(1, 13))
    assert len(disk.written) <= MOST_WRITES


def test_more_than_fit_in_one_commit_are_written_by_the_next(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "MOST_ROWS", 3)
    disk = Disk()
    told = _offer_while_the_disk_is_busy(disk, SharedCommits(disk.write), range(1, 13), threads)
    assert sorted(one.result(30) for one in told) == sorted(-offer for offer in range(1, 13))
    assert max(len(together) for together in disk.written) == 3


def test_a_request_that_cannot_be_stored_takes_nobody_down_with_it(threads: ThreadPoolExecutor) -> None:
    disk = Disk()

    def write(offers: Sequence[int]) -> list[int]:
        told = disk.write(offers)
        if 5 in offers:
            raise DataError("five")
        return told

    told = _offer_while_the_disk_is_busy(disk, SharedCommits(write), range(1, 13), threads)
    failed = [offer for offer, one in zip(range(1, 13), told, strict=True) if one.exception(30)]
    assert failed == [5]


def test_when_the_database_is_away_everybody_hears_it_from_one_attempt(threads: ThreadPoolExecutor) -> None:
    disk = Disk()

    def write(offers: Sequence[int]) -> list[int]:
        disk.write(offers)
        raise OperationalError("away") from psycopg.errors.AdminShutdown("away")

    told = _offer_while_the_disk_is_busy(disk, SharedCommits(write), range(1, 13), threads)
    errors = [one.exception(30) for one in told]
    assert all(isinstance(error, OperationalError) for error in errors)
    assert all(isinstance(error.__cause__, psycopg.errors.AdminShutdown) for error in errors if error)
    assert len(disk.written) <= MOST_WRITES
