"""A worker of the naive designs: ``python -m bench.naive_worker fork|simple REDIS_URL``.

The modules a job needs, and the application's heavy ones, are imported here, before any fork: the first run of this
comparison showed that a forking worker "as shipped" mostly measures imports.
"""

from __future__ import annotations

import logging
import sys

from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer

from bench import naive

PRELOADED = ("flask", "sqlalchemy", "psycopg", "requests", "orjson", "app.delivery.engine")


def work(kind: str, redis_url: str) -> None:
    """Work until a signal ends it."""
    for module in PRELOADED:
        __import__(module)
    logging.disable(logging.INFO)
    connection = Redis.from_url(redis_url)
    queue = Queue(naive.QUEUE, connection=connection, serializer=JSONSerializer)
    worker_class = {"fork": Worker, "simple": SimpleWorker}[kind]
    worker = worker_class([queue], connection=connection, serializer=JSONSerializer, log_job_description=False)
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2])
