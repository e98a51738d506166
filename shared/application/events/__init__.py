"""What an event causes, whichever way it came: by Event Grid, a queue, HTTP or a replay."""
