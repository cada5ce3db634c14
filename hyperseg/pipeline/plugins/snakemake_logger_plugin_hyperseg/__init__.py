"""A Snakemake logger plugin that tells ``hyperseg run`` what happens, one JSON object a line on a pipe.

Snakemake finds it by its name where the wrapper has put this folder's parent on PYTHONPATH.
"""

import json
import logging
import os
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

EVENTS_FD = "HYPERSEG_EVENTS_FD"  # number of the pipe's file descriptor

FIELDS: dict[LogEvent, tuple[str, ...]] = {
    LogEvent.RUN_INFO: ("stats",),
    LogEvent.JOB_INFO: ("jobid", "rule_name", "wildcards", "threads", "log", "reason"),
    LogEvent.JOB_FINISHED: ("job_id",),
    LogEvent.JOB_ERROR: ("jobid", "rule_name", "log"),
}


class LogHandler(LogHandlerBase):
    """Forwards the events in FIELDS, and warnings and errors as text."""

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        values: dict[str, Any]
        if event in FIELDS:
            values = {"event": str(event)} | {name: getattr(record, name, None) for name in FIELDS[event]}
        elif record.levelno >= logging.WARNING:
            values = {"event": "message", "level": record.levelname, "text": self._text(record)}
        else:
            return
        line = json.dumps(values, default=str) + "\n"
        try:
            os.write(int(os.environ[EVENTS_FD]), line.encode())
        except (KeyError, ValueError, OSError):  # nobody listens: a job on another machine, or a dead wrapper
            return

    @staticmethod
    def _text(record: logging.LogRecord) -> str:
        return record.getMessage() if record.msg else str(getattr(record, "exception", ""))

    @property
    def writes_to_stream(self) -> bool:
        return True  # takes the place of Snakemake's own output on the terminal

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        return True

    @property
    def has_formatter(self) -> bool:
        return True

    @property
    def needs_rulegraph(self) -> bool:
        return False
