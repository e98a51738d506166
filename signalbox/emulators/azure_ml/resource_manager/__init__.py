"""Resource Manager documents of what the emulator only shows: workspaces, locks, Service Bus, inspections."""
