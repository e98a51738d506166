"""Vendor code, one service a file; every vendor error is translated at this edge into `Refused` or `Transient`."""
