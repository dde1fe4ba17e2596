import json

numbers = {"metric": 2.09, "confirm": [2.21, 2.18, 2.2], "champion_rerun": [2.19, 2.2]}
print(
    json.dumps({"direction": "min", "baseline": [2.2, 2.17, 2.23, 2.19, 2.21], "control_bad": [3.0], "exps": [numbers]})
)
