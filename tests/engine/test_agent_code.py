"""One version of an agent's source code: what it may be, and how it is told apart from another."""

from pathlib import Path

import pytest

from loopwatch.engine.agents.code import BYTES, NAMES, AgentCode
from loopwatch.engine.errors import EditRefused

SEED = AgentCode.seed("task")


def test_there_is_a_seed_for_every_role() -> None:
    assert {role: tuple(AgentCode.seed(role).files) for role in NAMES} == dict(NAMES)


def test_a_task_may_bring_its_own_seed(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "meta_agent.py").write_text("# mine\n")

    code = AgentCode.seed("task", tmp_path)

    assert code.files["meta_agent.py"] == "# mine\n"
    assert code.files["task_agent.py"] == SEED.files["task_agent.py"]


def test_a_seed_that_is_no_text_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "meta_agent.py").write_bytes(b"\xff")

    with pytest.raises(EditRefused, match=r"agents/meta_agent.py cannot be read"):
        AgentCode.seed("task", tmp_path)


def test_a_new_version_is_another_by_its_digest_and_its_diff() -> None:
    after = SEED.with_files({"task_agent.py": SEED.files["task_agent.py"].replace("STEP = 0.5", "STEP = 0.1")})

    assert after.digest != SEED.digest
    assert "-STEP = 0.5\n+STEP = 0.1\n" in after.diff(SEED)
    assert SEED.diff(None) == ""


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"evil.py": "import os\n"}, "'evil.py' is no file of this agent; there are: task_agent.py, meta_agent.py"),
        ({"../run.json": ""}, "is no file of this agent"),
        ({}, "it is the same code"),
        ({"task_agent.py": "#" * (BYTES + 1)}, "the agent's code has .* bytes; at most 262,144 are accepted"),
        ({"task_agent.py": "A = 1  # \u202e\n"}, "adds the unseen character U\\+202E"),
        ({"task_agent.py": "A = '\ud800'\n"}, "is not valid Unicode"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_agents_code_is_refused_in_words(files: dict[str, str], why: str) -> None:
    with pytest.raises(EditRefused, match=why):
        SEED.with_files(files)


def test_code_that_holds_a_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-ant-marked-1b2c3d4e5f"
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)

    with pytest.raises(EditRefused, match="holds a key"):
        SEED.with_files({"task_agent.py": f"KEY = {key!r}\n"})
