"""Hold-outs: their rows, and what both models' predictions of them come to. No activity is registered here."""
