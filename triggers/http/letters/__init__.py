"""Dead letters over HTTP: events, messages of queues and notices that could not be taken in or sent."""
