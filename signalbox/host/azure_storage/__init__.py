"""Azure Storage behind triggers and bindings: accounts by their settings, the queue trigger and the blob trigger."""
