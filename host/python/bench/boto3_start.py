"""The yardstick: a process that has boto3 make a client of SQS and does nothing else. Prints {"ms": ..., "cpu_ms": ...},
counted from its start. Linux alone."""

import json
import os
import time
from pathlib import Path

import boto3

boto3.client("sqs", region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")

ticks = int(Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19])
wall = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
print(json.dumps({"ms": round(wall * 1000), "cpu_ms": round(time.process_time() * 1000)}))
