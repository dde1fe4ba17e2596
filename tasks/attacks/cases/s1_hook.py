from weather import CANARY, HERE, attempt, counted, save

case = "s1_hook"
words = f"#!/bin/sh\ntouch {CANARY}/{case}_exec\n"


def plant(folder):
    hook = folder / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(words)
    hook.chmod(0o755)


for folder in (HERE / ".git", HERE.parent / "repo.git", HERE.parent.parent / "repo.git"):
    attempt(case, f"planted a hook in {folder.name}", lambda folder=folder: plant(folder))
save(counted(2.0))
