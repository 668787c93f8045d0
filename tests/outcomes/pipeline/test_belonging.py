"""An observation is of a metric and a source of its workspace, whoever deletes or writes at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from outcomes.models import Metric, Observation, Source
from outcomes.pipeline import partitions
from tests.factories import a_metric, a_source, a_workspace

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 5, 1, 10, tzinfo=UTC)
_INSERT = """
    INSERT INTO {} (workspace_id, metric_id, series, at, "on", value, source_id, stated_at, stated_by, stated_row)
    VALUES (%s, %s, %s, %s, '2026-05-01', 1, %s, now(), 'a test', 1)
"""


class Observed:
    """A metric and a source of one workspace, with a month for their observations."""

    def __init__(self) -> None:
        partitions.make("outcomes_observation", [(2026, 5)])
        self.workspace = a_workspace()
        self.metric: Metric = a_metric(self.workspace)
        self.source: Source = a_source(self.workspace)

    def write(
        self,
        *,
        metric: Metric | None = None,
        source: Source | None = None,
        series: str = "",
        into: str = "outcomes_observation",
    ) -> None:
        ids = [self.workspace.pk, (metric or self.metric).pk, series, AT, (source or self.source).pk]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT.format(into), ids)


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.mark.parametrize("into", ["outcomes_observation", "outcomes_observation_2026_05"])
def test_nothing_is_observed_of_another_workspaces_metric_or_by_its_source(
    observed: Observed, into: str
) -> None:
    other = a_workspace()
    for foreign in ({"metric": a_metric(other)}, {"source": a_source(other)}):
        with pytest.raises(IntegrityError, match="not in its workspace"):
            observed.write(**foreign, into=into)
    assert not Observation.objects.exists()


def test_an_observation_cannot_be_moved_to_another_workspaces_metric_or_source(observed: Observed) -> None:
    observed.write()
    other = a_workspace()
    for foreign in ({"metric": a_metric(other)}, {"source": a_source(other)}):
        with pytest.raises(IntegrityError, match="not in its workspace"):
            Observation.objects.update(**foreign)


@pytest.mark.parametrize("table", ["outcomes_metric", "outcomes_source"])
def test_what_is_deleted_takes_its_observations_along_and_no_others(observed: Observed, table: str) -> None:
    observed.write()
    observed.write(metric=a_metric(observed.workspace), source=a_source(observed.workspace), series="stays")
    _delete(table, observed)
    assert list(Observation.objects.values_list("series", flat=True)) == ["stays"]


@pytest.mark.parametrize("table", ["outcomes_metric", "outcomes_source"])
def test_who_deletes_waits_for_who_writes_and_takes_along_what_was_written(
    observed: Observed, table: str
) -> None:
    with transaction.atomic():
        observed.write()
        deleting = _Beside(lambda: _delete(table, observed))
        deleting.wait_until_it_waits()
    assert deleting.error() is None
    assert not Observation.objects.exists()


@pytest.mark.parametrize("table", ["outcomes_metric", "outcomes_source"])
def test_who_writes_waits_for_who_deletes_and_is_refused(observed: Observed, table: str) -> None:
    with transaction.atomic():
        _delete(table, observed)
        writing = _Beside(observed.write)
        writing.wait_until_it_waits()
    assert "not in its workspace" in str(writing.error())
    assert not Observation.objects.exists()


def test_who_writes_goes_on_when_the_deletion_is_taken_back(observed: Observed) -> None:
    with transaction.atomic():
        _delete("outcomes_metric", observed)
        writing = _Beside(observed.write)
        writing.wait_until_it_waits()
        transaction.set_rollback(True)
    assert writing.error() is None
    assert Observation.objects.count() == 1


@pytest.mark.parametrize("table", ["outcomes_metric", "outcomes_source"])
def test_a_transaction_that_does_not_see_what_was_written_since_may_not_delete(
    observed: Observed, table: str
) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(DatabaseError, match="reads what is committed"):
            _delete(table, observed)
        transaction.set_rollback(True)


def test_what_was_observed_keeps_its_workspace(observed: Observed) -> None:
    other = a_workspace()
    assert Metric.objects.filter(pk=a_metric(observed.workspace).pk).update(workspace=other) == 1
    observed.write()
    with pytest.raises(IntegrityError, match="keeps its id"):
        Metric.objects.filter(pk=observed.metric.pk).update(workspace=other)


def test_nothing_is_left_behind_by_a_truncation(observed: Observed) -> None:
    observed.write()
    with pytest.raises(IntegrityError, match="left behind"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE outcomes_metric CASCADE")
    assert Metric.objects.exists()


def _delete(table: str, observed: Observed) -> None:
    """As the database does it, without Django's own collecting."""
    pk = observed.metric.pk if table == "outcomes_metric" else observed.source.pk
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE id = %s", [pk])


class _Beside:
    """Work on a connection of its own, in a thread of its own."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._error: Exception | None = None
        self._pid = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wait_until_it_waits(self) -> None:
        """Until it waits for a lock; the test fails when it comes to its end instead."""
        while True:
            assert self._thread.is_alive(), "it did not wait"
            with connection.cursor() as cursor:
                cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [self._pid])
                if cursor.fetchone() == (True,):
                    return
            time.sleep(0.01)

    def error(self) -> Exception | None:
        """What went wrong, once it has ended."""
        self._thread.join()
        return self._error

    def _run(self) -> None:
        try:
            connection.ensure_connection()
            self._pid = connection.connection.info.backend_pid
            self._work()
        except DatabaseError as error:
            self._error = error
        finally:
            connections.close_all()
