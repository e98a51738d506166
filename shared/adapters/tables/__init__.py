"""Tables as they come: CSV, JSON Lines and Parquet, measured against a data contract in one pass and bounded memory.

It runs in a reader process (`shared.adapters.reader`). A reader cuts a file into pieces, each of which is parsed and
measured by itself, in a few threads; a value's verdict never depends on the values beside it.
"""
