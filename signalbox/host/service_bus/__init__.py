"""Service Bus triggers: messages are received with the azure-servicebus client and settled by what the function did."""
