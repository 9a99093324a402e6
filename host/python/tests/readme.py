"""Runs the examples of the README as they are, twice, in an empty folder, against the emulator on another port."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PROGRAM = os.environ.get("LWA_ROTATE_PROGRAM", HERE.parents[2] / "target" / "debug" / "lwa-rotate")

blocks = (HERE.parent / "README.md").read_text().split("```python\n")[1:]
example = "".join(block.split("```")[0] for block in blocks)
command = [PROGRAM, "emulator", "--json", "--listen", "127.0.0.1:0"]
with (
    tempfile.TemporaryDirectory() as folder,
    subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as emulator,
):
    try:
        assert emulator.stdout is not None
        at = json.loads(emulator.stdout.readline())["api_endpoint"]
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
        environment = own | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
        code = example.replace("http://127.0.0.1:4577", at)
        assert code != example, "the example names the emulator"
        run = [sys.executable, "-c", code]
        first = subprocess.run(run, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        settled, *rest = first.stdout.splitlines()
        assert settled.startswith("settled ") and settled.endswith(" None") and rest == ["main []", "{}"], first.stdout
        published = json.loads((Path(folder) / "shop.json").read_text())
        assert published["client_secret"] != "amzn1.oa2-cs.v1.emulated", "the new secret is published"
        again = subprocess.run(run, cwd=folder, env=environment, check=False, stderr=subprocess.PIPE, text=True)
        assert "NeedsConfirmation: the secret was rotated less than 7 days ago" in again.stderr, again.stderr
        assert json.loads((Path(folder) / "shop.json").read_text()) == published
    finally:
        emulator.terminate()
print("the new secret is published")
