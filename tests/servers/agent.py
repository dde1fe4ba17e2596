"""A scripted agent that speaks the Agent Client Protocol, version 1, over stdin and stdout: a real process, and no library.

    python agent.py SCRIPT.json

SCRIPT.json is {"turns": [[STEP, ...], ...]}: each prompt plays the next turn, the last one again when there are no more. A step is
an object with one key:

    think, say        stream a text
    write             {"path": TEXT} into files, from the session's folder, without asking
    update            a raw session/update
    ask               {"toolCall": ..., "options": ..., "then": [STEP, ...], "else": [STEP, ...]}: permission for something
    fs_write          {"path": ..., "content": ...} through the client, which has not offered it
    print             a raw line on stdout; `complain` is one on stderr
    python            run a text; `folder` is the session's
    wait              until the client cancels, then seconds more
    stop              end the turn with this reason, and "usage" beside it
    fail              answer the prompt with this error object
    die               exit with this code

Besides "turns": "modes" (ids, the first is set), "version", "auth" (session/new wants a login), "deaf" (cancel is not heard).
Every message that comes is appended to SCRIPT.json.heard, one a line, where that may be written.
"""

import contextlib
import itertools
import json
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

OPTIONS = [
    {"optionId": "zz-9", "name": "Always", "kind": "allow_always"},
    {"optionId": "proceed_once", "name": "Yes", "kind": "allow_once"},
    {"optionId": "allow", "name": "No", "kind": "reject_once"},
]
"""With names that mislead whoever reads them."""


class Agent:
    """One process, one session."""

    def __init__(self, script: Path) -> None:
        self.script: dict[str, Any] = json.loads(script.read_text())
        self.heard = script.with_name(f"{script.name}.heard")
        self.inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.cancelled = threading.Event()
        self.numbers = itertools.count(1)
        self.prompts = 0
        self.folder = Path()

    def run(self) -> None:
        threading.Thread(target=self.listen, daemon=True).start()
        while message := self.inbox.get():
            self.answer(message)

    def listen(self) -> None:
        for line in sys.stdin:
            with contextlib.suppress(OSError), open(self.heard, "a") as file:  # in a box it may only be read
                file.write(line)
            message = json.loads(line)
            if message.get("method") == "session/cancel":
                if not self.script.get("deaf"):
                    self.cancelled.set()
            else:
                self.inbox.put(message)
        self.inbox.put(None)

    def send(self, **message: Any) -> None:
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = f"agent-{next(self.numbers)}"  # a text, as some agents have
        self.send(id=number, method=method, params={"sessionId": "s1", **params})
        answer = self.inbox.get()
        assert answer is not None
        assert answer["id"] == number, answer
        return answer

    def answer(self, message: dict[str, Any]) -> None:
        number, params = message["id"], message.get("params") or {}
        match message["method"]:
            case "initialize":
                self.send(id=number, result={"protocolVersion": self.script.get("version", 1), "agentCapabilities": {}})
            case "session/new" if self.script.get("auth"):
                self.send(id=number, error={"code": -32000, "message": "Authentication required"})
            case "session/new":
                self.folder = Path(params["cwd"])
                self.send(id=number, result={"sessionId": "s1", **self.modes()})
            case "session/set_mode":
                self.send(id=number, result={})
            case "session/prompt":
                turn = self.script["turns"][min(self.prompts, len(self.script["turns"]) - 1)]
                self.prompts += 1
                self.send(id=number, **self.play(turn))
            case _:
                self.send(id=number, error={"code": -32601, "message": "Method not found"})

    def modes(self) -> dict[str, Any]:
        modes = self.script.get("modes")
        if not modes:
            return {}
        return {"modes": {"currentModeId": modes[0], "availableModes": [{"id": mode, "name": mode} for mode in modes]}}

    def play(self, steps: list[dict[str, Any]]) -> dict[str, Any]:
        for step in steps:
            if ended := self.step(step):
                return ended
        return {"result": {"stopReason": "end_turn"}}

    def step(self, step: dict[str, Any]) -> dict[str, Any] | None:
        ((what, value),) = ((key, value) for key, value in step.items() if key != "usage")
        match what:
            case "think":
                self.update({"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": value}})
            case "say":
                self.update({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": value}})
            case "write":
                for path, text in value.items():
                    (self.folder / path).write_text(text)
            case "update":
                self.update(value)
            case "ask":
                return self.permission(value)
            case "fs_write":
                self.ask("fs/write_text_file", value)
            case "print":
                print(value, flush=True)
            case "complain":
                print(value, file=sys.stderr, flush=True)
            case "python":
                exec(value, {"folder": self.folder})
            case "wait":
                self.cancelled.wait()
                time.sleep(value)
                return {"result": {"stopReason": "cancelled"}}
            case "stop":
                usage = {"usage": step["usage"]} if "usage" in step else {}
                return {"result": {"stopReason": value, **usage}}
            case "fail":
                return {"error": value}
            case "die":
                os._exit(value)
        return None

    def update(self, update: dict[str, Any]) -> None:
        self.send(method="session/update", params={"sessionId": "s1", "update": update})

    def permission(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        options = asked.get("options", OPTIONS)
        answer = self.ask("session/request_permission", {"toolCall": asked["toolCall"], "options": options})
        outcome = answer["result"]["outcome"]
        kinds = {option["optionId"]: option["kind"] for option in options}
        allowed = kinds.get(outcome.get("optionId"), "").startswith("allow")
        steps = asked.get("then" if allowed else "else", [])
        return next((ended for step in steps if (ended := self.step(step))), None)


if __name__ == "__main__":
    Agent(Path(sys.argv[1])).run()
