"""The triggers that the host serves itself: HTTP, Event Grid and timers. Service Bus has a folder of its own."""
