import os

from weather import OUT

os.mkfifo(OUT / "model.json")
