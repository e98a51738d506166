"""HTTP routes, events, queues and timers: each translates, calls one use case of `shared.application`, and answers."""
