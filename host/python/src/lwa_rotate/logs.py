"""Writes events to Python's logging."""

import logging

from .events import Event, Happening

log = logging.getLogger("lwa_rotate")

LOUD = {
    Happening.ROTATE_OUTCOME_UNKNOWN: logging.WARNING,
    Happening.ROTATE_REFUSED: logging.WARNING,
    Happening.NOT_PROVEN: logging.WARNING,
    Happening.NOT_PUBLISHED: logging.WARNING,
    Happening.NOT_ACKNOWLEDGED: logging.WARNING,
    Happening.LEFT: logging.WARNING,
    Happening.STALLED: logging.ERROR,
}


class LogObserver:
    """Writes each event to the logger `lwa_rotate`: `INFO`, or more where a person should look. The event itself is the
    attribute `event` of the log record."""

    def emit(self, event: Event) -> None:
        """Writes one event."""
        level = LOUD.get(event.what, logging.INFO)
        log.log(level, "%s %s %s", event.client_id or "-", event.what.value, event.detail or "", extra={"event": event})
