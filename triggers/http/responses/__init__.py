"""What callers are answered, a frozen dataclass each: the API's document describes these types."""
