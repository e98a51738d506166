"""Activities of schedules: fire what is due, once."""
