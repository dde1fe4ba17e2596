"""What the screens are made of: framed panes that draw lines from plain values and know neither app nor
engine."""
