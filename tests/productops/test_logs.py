"""Every line of the log is a JSON object that names the request or the task it was written in."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
from celery import shared_task
from django.test import Client

from productops import logs
from productops.workspaces.attribution import acting


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a logger called `told` writes, as the web server is configured to."""
    stream = io.StringIO()
    told = logs.configuration(logs.JSON, "INFO")
    told["handlers"]["stderr"]["stream"] = stream
    told["loggers"] = {"told": {"handlers": ["stderr"], "level": "INFO", "propagate": False}}
    del told["root"]
    logging.config.dictConfig(told)
    yield stream
    logging.getLogger("told").handlers.clear()


def _lines(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_says_when_who_how_bad_and_in_which_request(written: io.StringIO) -> None:
    with acting(None, request_id="req-1"):
        logging.getLogger("told").warning("%s of %s\nlost", 3, {"a": 1})
    (line,) = _lines(written)
    assert line.pop("at")
    assert line == {
        "event": "3 of {'a': 1}\nlost",
        "level": "warning",
        "logger": "told",
        "request_id": "req-1",
    }


def test_an_exception_stays_on_its_line(written: io.StringIO) -> None:
    try:
        raise ValueError("bad")
    except ValueError:
        logging.getLogger("told").exception("failed")
    (line,) = _lines(written)
    (told,) = line["exception"]  # type: ignore[misc]
    assert (told["exc_type"], told["exc_value"]) == ("ValueError", "bad")


@shared_task(name="tests.told")
def _task() -> None:
    logging.getLogger("told").info("at work")


def test_a_line_names_the_task_it_was_written_in(written: io.StringIO) -> None:
    _task.apply(task_id="task-1")
    (line,) = _lines(written)
    assert (line["task"], line["task_id"]) == ("tests.told", "task-1")
    assert "request_id" not in line


def test_what_people_read_is_one_plain_line_with_the_traceback_beneath() -> None:
    stream = io.StringIO()
    told = logs.configuration(logs.LINE, "INFO")
    told["handlers"]["stderr"]["stream"] = stream
    told["loggers"] = {"told": {"handlers": ["stderr"], "level": "INFO", "propagate": False}}
    del told["root"]
    logging.config.dictConfig(told)
    try:
        raise ValueError("bad")
    except ValueError:
        logging.getLogger("told").exception("failed")
    logging.getLogger("told").handlers.clear()
    first, *beneath = stream.getvalue().splitlines()
    assert first.endswith("ERROR told [-] failed")
    assert beneath[-1] == "ValueError: bad"


def test_a_request_says_its_id_in_the_answer() -> None:
    assert Client().get("/healthz", headers={"x-request-id": "mine"})["X-Request-ID"] == "mine"
