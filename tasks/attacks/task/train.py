"""Learn which weather follows which. ALPHA is the weight of what was never seen."""

from weather import counted, save

ALPHA = 2.0

save(counted(ALPHA))
