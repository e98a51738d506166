"""Azure Monitor over its real wire: platform metrics of online endpoints, their traffic log, and metric alerts."""
