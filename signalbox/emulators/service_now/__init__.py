"""ServiceNow on one machine: the Table API over a few tables, an OAuth client, a catalogue whose flow calls the app."""
