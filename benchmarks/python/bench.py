"""The official Python client in the measurements of `make bench`: bench.py ADDRESS RECORDS prints one line of JSON.

The records, the entries of a call and the calls in flight are those of the other contenders; the format is JSON, the only
one that this client has.
"""

import asyncio
import json
import sys
import time

from coherence import Options, Session

BATCH = 5_000
IN_FLIGHT = 4


def record(number):
    product = number * 0x9E37_79B9_7F4A_7C15 % 2**64
    key = f"{product:016x}"[::-1]
    return key, key.ljust(100, "v")


async def in_flight(call, batches):
    """Runs the call on all batches and returns the sum of what the calls return."""
    waiting = iter(batches)

    async def worker():
        return sum([await call(batch) for batch in waiting])

    return sum(await asyncio.gather(*(worker() for _ in range(IN_FLIGHT))))


async def main(address, count):
    session = await Session.create(Options(address=address, request_timeout_seconds=120))
    cache = await session.get_cache("BenchJson")
    batches = [dict(map(record, range(start, min(start + BATCH, count)))) for start in range(0, count, BATCH)]
    measured = {}

    async def measure(operation, work):
        start, cpu = time.perf_counter(), time.process_time_ns()
        entries = await work
        rate = entries / (time.perf_counter() - start)
        measured[operation] = {"rate": rate, "cpu_ns": (time.process_time_ns() - cpu) / count}
        if entries != count:
            raise RuntimeError(f"{operation}: {entries} entries instead of {count}")

    async def put_all(batch):
        await cache.put_all(batch)
        return len(batch)

    async def get_all(batch):
        return sum([batch[entry.key] == entry.value async for entry in await cache.get_all(set(batch))])

    async def entries():
        return sum([1 async for _ in await cache.entries(by_page=True)])

    await measure("put_all", in_flight(put_all, batches))
    await measure("get_all", in_flight(get_all, batches))
    await measure("entries", entries())
    await cache.truncate()
    await session.close()
    print(json.dumps(measured))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
