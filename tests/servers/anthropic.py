"""A scripted Messages API, streamed, with its faults, its rules and its cache of prompts.

    python -m tests.servers.anthropic script.json --port 8787 --record requests.jsonl

A script is a list of steps; each request takes the first that is left, and that is for its model. It speaks HTTP by itself, so
that it can break a connection in every way in which one breaks.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter

from .anthropic_rules import CHARACTERS_PER_TOKEN, SHORTEST_CACHED, Body, parts, refusal, tokens
from .anthropic_script import Event, Served, Step, events

__all__ = ["Served", "Server", "Step"]


class Server:
    """Plays a script on loopback, from a thread of its own."""

    def __init__(self, *steps: Step, port: int = 0, record: Path | None = None, window: int = 1_000_000) -> None:
        """`window`: the longest prompt in tokens. `record`: a file for every request, a line of JSON each."""
        self.requests: list[Served] = []
        self._record, self._window = record, window
        self._steps = [step.model_copy() for step in steps]
        self._cached: dict[str, set[str]] = {}
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._ready, self._end, self._further = threading.Event(), asyncio.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def go_on(self) -> None:
        """End the wait of the step that waits for it, and of those after it."""
        self._loop.call_soon_threadsafe(self._further.set)

    def wait(self) -> None:
        """Serve until the process is ended."""
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._connected, sock=self._socket)
        self._ready.set()
        await self._end.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._one(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            pass  # the server is closed; asyncio would complain that nobody looked
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
        has_key = bool(headers.pop("authorization", "") or headers.pop("x-api-key", ""))
        wire = Wire(reader, writer)
        if not first.startswith("POST /v1/messages "):
            await wire.error(404, "not_found_error", first)
            return
        served = Served(body=body, headers=headers)
        self.requests.append(served)
        served.outcome = await self._answer(served, wire, has_key=has_key)
        served.times["over"] = time.time()
        if self._record:
            with self._record.open("a", encoding="utf-8") as file:
                file.write(f"{served.model_dump_json()}\n")

    async def _answer(self, served: Served, wire: "Wire", *, has_key: bool) -> str:
        body = served.body
        if not has_key or "anthropic-version" not in served.headers:
            return await wire.error(401, "authentication_error", "x-api-key header is required")
        if why := refusal(body):
            return await wire.error(400, "invalid_request_error", why)
        used = self._count(body)
        if (length := sum(used.values())) > self._window:
            why = f"prompt is too long: {length} tokens > {self._window} maximum"
            return await wire.error(400, "invalid_request_error", why)
        step = self._step(body["model"])
        if step is None:
            return await wire.error(500, "api_error", "the script has come to its end")
        if step.status != 200:
            return await wire.error(step.status, step.type, step.message, step.headers, step.error_details)
        served.usage = {**used, "output": 1}
        try:
            return await self._stream(step, served, wire)
        except ConnectionError:
            return "client_gone"

    async def _stream(self, step: Step, served: Served, wire: "Wire") -> str:
        await wire.begin(step.headers)
        if step.body is not None:
            await wire.send(step.body)
            await wire.end()
            return "done"
        deltas = 0
        for event in events(step, served):
            if event["type"] == "content_block_delta":
                if deltas == step.after and step.then == "wait":
                    await self._further.wait()
                elif deltas == step.after:
                    return await wire.fault(step)
                deltas += 1
                await wire.pause(step.seconds)
                served.times.setdefault("first", time.time())
                # Whoever leaves now is billed for what was written until now.
                served.usage["output"] = max(1, round(deltas * step.size / CHARACTERS_PER_TOKEN))
            if event["type"] == "message_delta":
                served.usage["output"] = event["usage"]["output_tokens"]
            await wire.event(event)
        await wire.end()
        return "done"

    def _step(self, model: str) -> Step | None:
        for step in self._steps:
            if step.model in (None, model):
                step.times -= 1
                if step.times == 0:
                    self._steps.remove(step)
                return step
        return None

    def _count(self, body: Body) -> dict[str, int]:
        """What a prompt is billed as: each beginning that was marked before is read, up to the last mark it is written."""
        known = self._cached.setdefault(body["model"], set())
        sofar, total, read, written = hashlib.sha256(), 0, 0, 0
        marked: list[str] = []
        for text, mark in parts(body):
            sofar.update(text.encode())
            total += tokens(text)
            if sofar.hexdigest() in known:
                read = total
            if mark and total >= SHORTEST_CACHED:
                marked.append(sofar.hexdigest())
                written = total
        known.update(marked)
        created = max(0, written - read)
        return {"input": total - read - created, "cache_read": read, "cache_write_5m": 0, "cache_write_1h": created}


class Wire:
    """One connection, from when its request was read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._gone = asyncio.ensure_future(_end_of(reader))

    async def error(
        self, status: int, kind: str, message: str, headers: dict[str, str] | None = None, details: Body | None = None
    ) -> str:
        error = {"type": kind, "message": message, **({"details": details} if details else {})}
        told = json.dumps({"type": "error", "error": error, "request_id": "req_1"})
        await self._head(
            status, {"content-type": "application/json", "content-length": str(len(told)), **(headers or {})}
        )
        self._writer.write(told.encode())
        await self._writer.drain()
        return str(status)

    async def begin(self, headers: dict[str, str]) -> None:
        await self._head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", **headers})

    async def event(self, data: Event) -> None:
        await self.send(f"event: {data['type']}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n")

    async def send(self, text: str) -> None:
        if self._gone.done():
            raise ConnectionError("the client went away")
        data = text.encode()
        self._writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self._writer.drain()

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def pause(self, seconds: float) -> None:
        """Wait, or until the client goes away."""
        if seconds:
            await asyncio.wait([self._gone], timeout=seconds)

    async def fault(self, step: Step) -> str:
        match step.then:
            case "clean":
                await self.end()
            case "reset":
                linger = struct.pack("ii", 1, 0)  # no goodbye: the next segment is a reset
                self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self._writer.transport.abort()
            case "stall":
                await self._gone
                return "client_gone"
            case "garbage":
                await self.send("event: content_block_delta\ndata: {no json\n\n")
            case "error":
                await self.event({"type": "error", "error": {"type": step.type, "message": step.message}})
                await self.end()
            case "incomplete":
                pass  # the connection is closed without the end of the body
        return step.then

    async def _head(self, status: int, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", "request-id: req_1", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join((*lines, "", "")).encode())
        await self._writer.drain()


async def _end_of(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.read(1)


def main() -> None:
    """Serve a script until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    steps = TypeAdapter(list[Step]).validate_json(options.script.read_bytes())
    with Server(*steps, port=options.port, record=options.record) as server:
        print(server.url, flush=True)
        server.wait()


if __name__ == "__main__":
    main()
