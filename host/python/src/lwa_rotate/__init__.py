"""Rotates Login-with-Amazon (LWA) client secrets of Selling Partner API applications, without ever losing the new one.

credential → token → rotate → notification → keep → verify → publish → acknowledge

The decisions are taken by a WebAssembly component that comes with this package and has no effect of its own; this package is
its host. Begin with `Rotator`; `lwa_rotate.errors`, `lwa_rotate.events` and `lwa_rotate.protocols` hold what it raises, what it
tells, and what a store, a queue, a target or an HTTP client of your own must promise.
"""

from . import errors, events, protocols, types
from .errors import RotationError
from .http import HttpClient
from .machine import COMPONENT
from .rotator import LogObserver, Rotator
from .secret import Credential, Secret
from .sqs import SqsQueue
from .store import FileStore
from .types import (
    AmazonError,
    Answer,
    Application,
    Cause,
    Deadline,
    DeadlineKind,
    Decision,
    Delete,
    Delivery,
    Entry,
    Header,
    HideUntil,
    Leave,
    Left,
    LeftBecause,
    Limits,
    Message,
    Method,
    Problem,
    RemedyBy,
    Request,
    Response,
    Stage,
    State,
    Status,
    TargetStatus,
    UserAgent,
)

__all__ = [
    "COMPONENT",
    "AmazonError",
    "Answer",
    "Application",
    "Cause",
    "Credential",
    "Deadline",
    "DeadlineKind",
    "Decision",
    "Delete",
    "Delivery",
    "Entry",
    "FileStore",
    "Header",
    "HideUntil",
    "HttpClient",
    "Leave",
    "Left",
    "LeftBecause",
    "Limits",
    "LogObserver",
    "Message",
    "Method",
    "Problem",
    "RemedyBy",
    "Request",
    "Response",
    "RotationError",
    "Rotator",
    "Secret",
    "SqsQueue",
    "Stage",
    "State",
    "Status",
    "TargetStatus",
    "UserAgent",
    "errors",
    "events",
    "protocols",
    "types",
]
