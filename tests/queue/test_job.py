from __future__ import annotations

import json
import os
import pickle
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from app.queue import worker as worker_module
from app.queue.job import JOB_FUNCTION, QUEUE_NAME, SEAT, SLICE_S, DrainJob, NoEngineError, drain
from app.queue.worker import DrainWorker

pytestmark = pytest.mark.redis


class RecordingEngine:
    failed: BaseException | None = None

    def __init__(self) -> None:
        self.drained: list[tuple[int, float]] = []

    def start(self) -> None: ...

    def drain(self, partition: int, slice_s: float) -> None:
        self.drained.append((partition, slice_s))

    def stop(self, grace_s: float) -> None: ...


@pytest.fixture
def engine() -> Iterator[RecordingEngine]:
    engine = RecordingEngine()
    SEAT.take(engine)
    yield engine
    SEAT.leave()


@pytest.fixture
def queue(redis: Redis) -> Queue:
    """A queue as an attacker with write access to Redis would use it: RQ's own job class, no scruples."""
    return Queue(QUEUE_NAME, connection=redis, serializer=JSONSerializer)


def work_off(redis: Redis) -> None:
    DrainWorker(redis, lambda: False).work(burst=True)


def test_a_drain_job_reaches_the_engine_of_this_process(redis: Redis, queue: Queue, engine: RecordingEngine) -> None:
    queue.enqueue(JOB_FUNCTION, 7)
    work_off(redis)
    assert engine.drained == [(7, SLICE_S)]


def test_a_job_that_names_another_function_is_not_executed(
    redis: Redis, queue: Queue, engine: RecordingEngine, tmp_path: Path
) -> None:
    target = tmp_path / "owned"
    queue.enqueue("os.system", f"touch {target}")
    queue.enqueue("os.mkdir", str(target))
    work_off(redis)
    assert not target.exists()
    assert engine.drained == []


@pytest.mark.parametrize("kind", ["on_success", "on_failure", "on_stopped"])
def test_callbacks_are_not_called(
    redis: Redis, queue: Queue, engine: RecordingEngine, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    called: list[Any] = []
    monkeypatch.setattr(worker_module, "stolen", lambda *args: called.append(args), raising=False)
    callback = {kind: Callback("app.queue.worker.stolen")}
    queue.enqueue(JOB_FUNCTION, args=(3,), **callback)
    queue.enqueue("os.getcwd", **callback)
    work_off(redis)
    assert called == []
    assert engine.drained == [(3, SLICE_S)]


def test_the_notification_urls_of_rq_are_dead(redis: Redis, queue: Queue, engine: RecordingEngine) -> None:
    seen: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    hooks = [Webhook(url + status, job_status=status) for status in ("finished", "failed")]
    queue.enqueue(JOB_FUNCTION, args=(1,), webhooks=hooks)
    queue.enqueue("os.getcwd", webhooks=hooks)
    work_off(redis)
    server.shutdown()
    server.server_close()
    assert seen == []
    assert engine.drained == [(1, SLICE_S)]


@pytest.mark.parametrize(
    "data",
    [
        [JOB_FUNCTION, None, [], {}],
        [JOB_FUNCTION, None, [64], {}],
        [JOB_FUNCTION, None, [-1], {}],
        [JOB_FUNCTION, None, [True], {}],
        [JOB_FUNCTION, None, ["1"], {}],
        [JOB_FUNCTION, None, [1.0], {}],
        [JOB_FUNCTION, None, [1, 2], {}],
        [JOB_FUNCTION, None, {"0": 1}, {}],
        [JOB_FUNCTION, None, "1", {}],
        [JOB_FUNCTION, None, [1], {"partition": 1}],
        [JOB_FUNCTION, "text", [1], {}],
        ["upper", "text", [], {}],
        ["app.queue.job.SEAT", None, [1], {}],
        [None, None, [1], {}],
        [["os", "system"], None, [1], {}],
        "nonsense",
        {},
    ],
    ids=str,
)
def test_a_job_of_any_other_shape_is_refused(redis: Redis, engine: RecordingEngine, data: Any) -> None:
    _push_raw(redis, {"data": json.dumps(data), "status": "queued", "origin": QUEUE_NAME})
    work_off(redis)
    assert engine.drained == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"data": "x"},
        {"data": json.dumps([JOB_FUNCTION, None, [1], {}]), "status": "no such status"},
        {"data": json.dumps([JOB_FUNCTION, None, [1], {}]), "created_at": "yesterday"},
    ],
    ids=str,
)
def test_an_unreadable_job_harms_nobody_behind_it(
    redis: Redis, queue: Queue, engine: RecordingEngine, fields: dict[str, str]
) -> None:
    _push_raw(redis, fields or {"other": "field"})
    queue.enqueue(JOB_FUNCTION, 2)
    work_off(redis)
    assert engine.drained == [(2, SLICE_S)]


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, target: str) -> None:
        self._target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self._target,)


def test_a_pickle_is_not_opened(redis: Redis, engine: RecordingEngine, tmp_path: Path) -> None:
    target = tmp_path / "owned"
    data = pickle.dumps((JOB_FUNCTION, None, (Bomb(str(target)),), {}))
    _push_raw(redis, {"data": data, "meta": data, "result": data, "status": "queued"})
    work_off(redis)
    assert not target.exists()
    assert engine.drained == []


def test_fields_that_make_rq_act_are_dropped(redis: Redis) -> None:
    job = Job.create(JOB_FUNCTION, args=(1,), connection=redis, serializer=JSONSerializer, timeout=1, result_ttl=999)
    job.retries_left, job.repeats_left, job.group_id, job.meta = 5, 5, "group", {"a": 1}
    job.rate_limit_key, job.rate_limit_concurrency = "key", 1
    job.save()
    read = DrainJob.fetch(job.id, connection=redis, serializer=JSONSerializer)
    assert (read.retries_left, read.repeats_left, read.group_id, read.meta) == (None, None, None, {})
    assert not read.has_rate_limit
    assert read.result_ttl == 0
    assert read.timeout == 60


def test_a_job_without_an_engine_fails_and_says_so() -> None:
    with pytest.raises(NoEngineError):
        drain(1)


def _push_raw(redis: Redis, fields: Mapping[str, str | bytes]) -> None:
    redis.hset("rq:job:hostile", mapping=dict(fields.items()))
    redis.rpush(f"rq:queue:{QUEUE_NAME}", "hostile")
