"""Microsoft's own worker library as a worker of this host: `driver` runs in another Python, the rest in the host."""
