"""A Python client of Kafka Connect's REST interface, which knows nothing of this project.

Reads one JSON array per line from standard input, [METHOD, ARGUMENT, …], calls that method of the client, and answers
with one line: {"ok": RESULT}, or {"error": "TYPE: TEXT"} with the type of the exception. The text includes the body of
the response where the exception has one. The argument of this program is the address of the worker.
"""

import json
import sys

from kafka_connect import KafkaConnect


def text(error):
    response = getattr(error, "response", None)
    return f"{type(error).__name__}: {error}" + ("" if response is None else f": {response.text}")


def answer(line):
    print(json.dumps(line), flush=True)


client = KafkaConnect(url=sys.argv[1])
answer({"ok": "ready"})
for line in sys.stdin:
    method, *arguments = json.loads(line)
    try:
        answer({"ok": getattr(client, method)(*arguments)})
    except Exception as error:
        answer({"error": text(error)})
