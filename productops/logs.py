"""How lines of the log look: JSON where programs read them, plain where a person does; configured here alone.

Whatever is logged, by us, by Django or by a library, goes through the same steps, so every line names the request or
the task that it was written in.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import structlog
from celery import current_task

from productops.workspaces.attribution import current_request_id

JSON, LINE = "json", "line"
FORMATS = (JSON, LINE)

_Line = MutableMapping[str, Any]


def configuration(style: str, level: str) -> dict[str, Any]:
    """Django's LOGGING for lines of a style on standard error, from `level` up."""
    shown: list[Any]
    if style == JSON:
        shown = [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(default=str)]
    else:
        shown = [_as_text]
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            written_in,
        ],
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown],
        # JSON tells an exception frame by frame; beneath a plain line stands what Python writes.
        "keep_exc_info": style == LINE,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {style: formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": style}},
        # What a client did wrong is in its answer and in the access log; only our own faults are news here.
        "loggers": {"django.request": {"level": "ERROR"}},
        "root": {"handlers": ["stderr"], "level": level},
    }


def written_in(logger: Any, name: str, line: _Line) -> _Line:
    """Name the running request, and the running task with its id."""
    if request_id := current_request_id():
        line["request_id"] = request_id
    task = current_task._get_current_object() if current_task else None
    if task is not None and task.request.id:
        line["task"], line["task_id"] = task.name, task.request.id
    return line


def _as_text(logger: Any, name: str, line: _Line) -> str:
    within = line.get("request_id") or line.get("task") or "-"
    return f"{line['at']} {line['level'].upper()} {line['logger']} [{within}] {line['event']}"
