"""Event Grid: a topic for the real publisher client, and at-least-once delivery to webhooks with documented retries."""
