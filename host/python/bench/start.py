"""How long a process of this host takes from its start to its first result, and how much it computes for it.

    python start.py                   everything below, in a folder of its own: one line of JSON
    python start.py prepare FOLDER    enrolls two applications in FOLDER
    python start.py status FOLDER     ends when the status of the one is there
    python start.py rotate FOLDER     `request` and `advance` of the other, up to the first request to Amazon, which is not sent

`status` and `rotate` print {"ms": ..., "cpu_ms": ...}, counted from the start of the process, and may be run again in the same
FOLDER. Wants the package to be installed, with the component of LWA_ROTATE_COMPONENT if that is set. Linux alone.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

from lwa_rotate import COMPONENT, Application, FileStore, Rotator, Secret, SqsQueue

QUIET, ROTATING = "amzn1.application-oa2-client.quiet", "amzn1.application-oa2-client.rotating"


def spent() -> None:
    """Prints what the process has taken so far."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19])
    wall = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    print(json.dumps({"ms": round(wall * 1000), "cpu_ms": round(time.process_time() * 1000)}), flush=True)


class Stop:
    """Ends the process in place of the first request."""

    def send(self, request: Any) -> NoReturn:
        """Is asked first for a token of LWA's."""
        assert request.url.startswith("https://api.amazon.com/")
        spent()
        os._exit(0)


def rotator(folder: str) -> Rotator:
    """As a program would have it."""
    applications = [Application(each, "https://sellingpartnerapi-eu.amazon.com") for each in (QUIET, ROTATING)]
    queue = SqsQueue({"main": "https://sqs.eu-west-1.amazonaws.com/123456789012/lwa"})
    return Rotator(applications=applications, store=FileStore(folder), queue=queue, http=Stop())


def prepare(folder: str) -> None:
    """Enrolls."""
    named = os.environ.get("LWA_ROTATE_COMPONENT")
    if named and Path(named).read_bytes() != COMPONENT:
        sys.exit(f"the package that is installed has another component than {named}; build and install it again")
    for each in (QUIET, ROTATING):
        rotator(folder).enroll(each, Secret("amzn1.oa2-cs.v1.bench"))


def status(folder: str) -> None:
    """The status of an enrolled application."""
    rotator(folder).status(QUIET)
    spent()


def rotate(folder: str) -> None:
    """The beginning of a rotation."""
    host = rotator(folder)
    host.request(ROTATING)
    host.advance(ROTATING)
    sys.exit("nothing was sent")


def everything() -> None:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        ran = {
            name: subprocess.run([sys.executable, __file__, name, folder], check=True, stdout=subprocess.PIPE).stdout
            for name in ("prepare", "status", "rotate")
        }
    print(json.dumps({"host": "python", **{name: json.loads(ran[name]) for name in ("status", "rotate")}}))


if len(sys.argv) == 1:
    everything()
else:
    {"prepare": prepare, "status": status, "rotate": rotate}[sys.argv[1]](sys.argv[2])
