import json

lines = ("--- a/train.py", "+++ b/train.py", "@@ -5 +5 @@", "-ALPHA = 2.0", "+ALPHA = 0.3")
print(json.dumps({"patch": "\n".join(lines) + "\n"}))
