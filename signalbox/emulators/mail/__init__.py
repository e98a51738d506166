"""Where notices go on one machine: a mail server, Azure Communication Services Email, and webhooks of Teams.

Nothing leaves the machine: what was sent lies in one mailbox, which a page of a local address shows.
"""
