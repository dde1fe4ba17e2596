from pathlib import Path

from weather import breach, counted, save

for file in Path("/proc").glob("[0-9]*/environ"):
    try:
        if b"FAKE_API_KEY" in file.read_bytes():
            breach("q2_keys_of_the_engine", f"read {file}")
            break
    except OSError:
        pass
save(counted(2.0))
