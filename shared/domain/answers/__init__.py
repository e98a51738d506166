"""What online endpoints were sent and answered, as their data collector kept it: which parts are published, and how."""
