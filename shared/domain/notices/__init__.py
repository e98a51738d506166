"""What people are told by mail and chat: which events are notices, for whom, and when. Pure."""
