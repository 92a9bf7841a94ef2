"""The official Python client as an independent reader and writer of a grid's maps.

Reads one JSON array per line from standard input and answers each with one line, {"ok": …} or {"error": "…"}:

["put", MAP, KEY, VALUE]   null
["get", MAP, KEY]          [TYPE, VALUE], TYPE the name of the Python type; or null
["remove", MAP, KEY]       like get, of what was there
["entries", MAP]           [[KEY, VALUE], …] in no order
["keys", MAP]              [KEY, …] in no order
["size", MAP]              number of entries

Values are what JSON can say; what it cannot, is answered as its text. An object of the class Person or Address is written
{"@class": "Person", "name": …}, with all of its attributes. The address is that of COHERENCE_SERVER_ADDRESS.
"""

import asyncio
import json
import sys
from dataclasses import dataclass

from coherence import Session
from coherence.serialization import proxy


@proxy("Address")
@dataclass
class Address:
    street: str
    city: str


@proxy("Person")
@dataclass
class Person:
    name: str
    age: int
    address: Address


CLASSES = {"Address": Address, "Person": Person}


def from_json(members):
    attributes = {name: value for name, value in members.items() if name != "@class"}
    return CLASSES[members["@class"]](**attributes) if "@class" in members else members


def to_json(value):
    name = type(value).__name__
    return {"@class": name, **vars(value)} if name in CLASSES else str(value)


def described(value):
    return None if value is None else [type(value).__name__, value]


async def run(session, command, name, *arguments):
    cache = await session.get_cache(name)
    match command:
        case "put":
            await cache.put(*arguments)
            return None
        case "get":
            return described(await cache.get(*arguments))
        case "remove":
            return described(await cache.remove(*arguments))
        case "entries":
            return [[entry.key, entry.value] async for entry in await cache.entries(by_page=True)]
        case "keys":
            return [key async for key in await cache.keys(by_page=True)]
        case "size":
            return await cache.size()
    raise ValueError(f"unknown command {command}")


async def main():
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever prints by itself must not look like an answer

    def answer(line):
        print(json.dumps(line, default=to_json), file=answers, flush=True)

    session = await Session.create()
    answer({"ok": "ready"})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            answer({"ok": await run(session, *json.loads(line, object_hook=from_json))})
        except Exception as e:
            answer({"error": f"{type(e).__name__}: {e}"})
    await session.close()


asyncio.run(main())
