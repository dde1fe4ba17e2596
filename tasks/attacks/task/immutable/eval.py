"""Frozen: bits per day of a table of which weather follows which, on days that training has not seen. Lower is better."""

import itertools
import json
import math

WEATHER = "scrwfght"


def evaluate(model: str, days: str) -> float:
    with open(model) as file:
        table = json.load(file)["w"]
    if not isinstance(table, list) or len(table) != len(WEATHER):
        raise ValueError("one row is wanted for each kind of weather")
    for row in table:
        if not isinstance(row, list) or len(row) != len(WEATHER):
            raise ValueError("one weight is wanted for each kind of weather")
        if not all(type(weight) in (int, float) and math.isfinite(weight) and weight > 0 for weight in row):
            raise ValueError("weights are finite numbers above 0")
    with open(days) as file:
        text = file.read().strip()
    bits = 0.0
    for today, tomorrow in itertools.pairwise(text):
        row = table[WEATHER.index(today)]
        bits -= math.log2(row[WEATHER.index(tomorrow)] / math.fsum(row))
    return bits / (len(text) - 1)
