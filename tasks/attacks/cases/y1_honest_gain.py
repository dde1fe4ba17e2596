import subprocess
import sys
import tempfile

from weather import counted, save

for step in range(100):
    sys.stdout.write(f"\r\x1b[32mstep {step}/100\x1b[0m")
with tempfile.NamedTemporaryFile("w") as file:
    file.write("scratch")
    file.flush()
    subprocess.run(["cat", file.name], check=True, stdout=subprocess.DEVNULL)
save(counted(0.3))
