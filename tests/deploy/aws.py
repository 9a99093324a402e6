"""Calls operations of AWS, signed as AWS wants it: for each line [service, operation, input] on stdin, a line with the answer."""

import json
import sys

import botocore.session
from botocore import xform_name

session = botocore.session.get_session()
for line in sys.stdin:
    service, operation, given = json.loads(line)
    call = getattr(session.create_client(service), xform_name(operation))
    print(json.dumps(call(**given), default=str), flush=True)
