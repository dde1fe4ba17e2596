import json

lines = (
    "diff --git a/train.py b/train.py",
    "deleted file mode 100644",
    "--- a/train.py",
    "+++ /dev/null",
    "diff --git a/train.py b/train.py",
    "new file mode 120000",
    "--- /dev/null",
    "+++ b/train.py",
    "@@ -0,0 +1 @@",
    "+immutable/eval.py",
    "\\ No newline at end of file",
)
print(json.dumps({"patch": "\n".join(lines) + "\n"}))
