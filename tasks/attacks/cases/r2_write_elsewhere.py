import os
from pathlib import Path

from weather import CANARY, attempt, counted, save

case = "r2_write_elsewhere"
attempt(case, "wrote outside of its folders", lambda: (CANARY / f"{case}_direct").touch())
profile = Path(os.environ["LW_REALHOME"]) / ".bashrc"
attempt(case, "changed the home folder", lambda: profile.write_text("# was here\n"))
save(counted(2.0))
