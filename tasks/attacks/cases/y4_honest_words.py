import sys

sys.stdout.write("Schritt 3:\tFehler 0,12 ± 0,01, naïve 学習率 ↓ ✓\n")
