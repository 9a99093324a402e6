"""Runs the example of the README as it stands, twice, in an empty folder, against the emulator on another port."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PROGRAM = HERE.parents[2] / "target" / "debug" / "lwa-rotate"

example = (HERE.parent / "README.md").read_text().split("```python\n")[1].split("```")[0]
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
        seen = {"amzn1.oa2-cs.v1.emulated"}
        for _ in range(2):
            subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)
            published = json.loads((Path(folder) / "shop.json").read_text())
            assert published["client_secret"] not in seen, "the new secret is published"
            seen.add(published["client_secret"])
    finally:
        emulator.terminate()
print("the new secret is published")
