"""Ports of production: what its endpoints are asked and answer, and what watches over them."""
