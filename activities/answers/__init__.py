"""Activities of published answers: take what the data collector has kept, publish it, count it for the drift watch."""
