"""What online endpoints answered, by the three ways in which Azure tells it, and the alerts that fire about them."""
