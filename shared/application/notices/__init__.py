"""Notices to people: announced events that somebody has to act on, and how they are worded and sent."""
