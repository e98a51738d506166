"""The administration of a namespace: queues, topics, subscriptions and rules over HTTP, as ATOM documents."""
