"""The public names of Azure on loopback: a proxy that ends TLS for them and passes requests to the local services."""
