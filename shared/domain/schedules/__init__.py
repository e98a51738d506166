"""When schedules are due."""
