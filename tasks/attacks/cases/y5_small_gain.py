import json

numbers = {"metric": 1.9, "confirm": [1.91, 1.89, 1.92, 1.9], "champion_rerun": [2.0, 2.01, 1.99, 2.02]}
print(
    json.dumps({"direction": "min", "baseline": [2.0, 2.03, 1.97, 2.01, 1.99], "control_bad": [3.0], "exps": [numbers]})
)
