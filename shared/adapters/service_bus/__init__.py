"""Azure Service Bus over AMQP."""
