import json

experiments = [{"metric": 0.7, "confirm": [0.7] * 3, "program": str(n)} for n in range(6)]
print(json.dumps({"direction": "min", "baseline": [0.7] * 5, "exps": experiments}))
