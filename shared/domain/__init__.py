"""Decisions as pure functions over plain data; nothing here knows a vendor, a clock or a file."""
