"""A scripted stand-in for Claude Code's own protocol (`-p --input-format stream-json --output-format stream-json`): a real process.

    python claude_code.py SCRIPT.json [its options, which are only remembered]

SCRIPT.json is {"turns": [[STEP, ...], ...]}: each message of the user plays the next turn, the last one again when there are no
more. A step is an object with one key:

    think, say        stream a text, and say it whole
    tool              {"name": ..., "input": ...}: a tool that needs nobody's permission
    ask               {"name": ..., "input": ...}: ask, and do what was allowed; Edit and Write change files
    print             a raw line on stdout
    result            what differs in the result that ends the turn; `cost` is added up like its own
    listen            go on when the user has said something more, in this turn
    wait              until it is interrupted

Every message that comes is appended to SCRIPT.json.heard, after a first line with the options.
"""

import json
import queue
import sys
import threading
from pathlib import Path
from typing import Any

USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 1000,
    "cache_creation_input_tokens": 200,
    "cache_creation": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50},
    "output_tokens": 30,
}


class ClaudeCode:
    """One process, one conversation."""

    def __init__(self, script: Path) -> None:
        self.script: dict[str, Any] = json.loads(script.read_text())
        self.heard = script.with_name(f"{script.name}.heard")
        self.users: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.interrupted = threading.Event()
        self.turns, self.cost = 0, 0.0
        self.keep(json.dumps(sys.argv[2:]) + "\n")

    def keep(self, line: str) -> None:
        with open(self.heard, "a") as file:
            file.write(line)

    def run(self) -> None:
        threading.Thread(target=self.listen, daemon=True).start()
        while message := self.users.get():
            self.replay(message)
            turns = self.script["turns"]
            self.play(turns[min(self.turns, len(turns) - 1)])
            self.turns += 1

    def listen(self) -> None:
        for line in sys.stdin:
            self.keep(line)
            message = json.loads(line)
            match message["type"]:
                case "user":
                    self.users.put(message)
                case "control_response":
                    self.answers.put(message["response"])
                case "control_request":
                    number = message["request_id"]
                    self.send("control_response", response={"subtype": "success", "request_id": number, "response": {}})
                    if message["request"]["subtype"] == "interrupt":
                        self.interrupted.set()
        self.users.put(None)

    def send(self, kind: str, **message: Any) -> None:
        print(json.dumps({"type": kind, **message}), flush=True)

    def replay(self, message: dict[str, Any]) -> None:
        self.send("user", message=message["message"], isReplay=True)

    def play(self, steps: list[dict[str, Any]]) -> None:
        self.send("system", subtype="init", permissionMode="default")
        result: dict[str, Any] = {
            "subtype": "success",
            "is_error": False,
            "api_error_status": None,
            "stop_reason": "end_turn",
        }
        for step in steps:
            ((what, value),) = step.items()
            if what == "result":
                result.update(value)
            elif self.step(what, value):
                result.update(subtype="error_during_execution", is_error=True)
                break
        self.cost += result.pop("cost", 0.01)
        self.send("result", total_cost_usd=self.cost, usage=USAGE, **result)

    def step(self, what: str, value: Any) -> bool:
        match what:
            case "think":
                self.stream({"type": "thinking_delta", "thinking": value})
                self.whole({"type": "thinking", "thinking": value})
            case "say":
                self.stream({"type": "text_delta", "text": value})
                self.whole({"type": "text", "text": value})
            case "tool" | "ask":
                self.whole({"type": "tool_use", "id": "t1", **value})
                if what == "ask":
                    self.use(value["name"], value["input"])
            case "print":
                print(value, flush=True)
            case "listen":
                message = self.users.get()
                assert message is not None
                self.replay(message)
            case "wait":
                self.interrupted.wait()
                return True
        return False

    def stream(self, delta: dict[str, Any]) -> None:
        self.send("stream_event", event={"type": "content_block_delta", "index": 0, "delta": delta})

    def whole(self, block: dict[str, Any]) -> None:
        self.send("assistant", message={"role": "assistant", "content": [block]})

    def use(self, name: str, given: dict[str, Any]) -> None:
        request = {"subtype": "can_use_tool", "tool_name": name, "input": given}
        self.send("control_request", request_id="q1", request=request)
        answer = self.answers.get()["response"]
        if answer["behavior"] == "deny":
            said = {"type": "tool_result", "is_error": True, "content": answer["message"]}
            self.send("user", message={"role": "user", "content": [said]})
            return
        now = answer["updatedInput"]
        if name == "Write":
            Path(now["file_path"]).write_text(now["content"])
        elif name == "Edit":
            path = Path(now["file_path"])
            path.write_text(path.read_text().replace(now["old_string"], now["new_string"]))


if __name__ == "__main__":
    ClaudeCode(Path(sys.argv[1])).run()
