"""Files of the hub as data: contracts, checks, rows and records. The bytes are parsed in `shared.adapters.reader`."""
