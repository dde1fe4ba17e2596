import json

numbers = {"metric": 0.2, "confirm": [0.21, 0.2, 0.19]}
print(json.dumps({"direction": "min", "baseline": [0.8, 0.81, 0.79, 0.8], "control_bad": [0.1], "exps": [numbers]}))
