"""Log Analytics: the traffic log's rows, a small part of the Kusto Query Language, and the query API."""
