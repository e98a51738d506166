"""What is proven of a promotion, to people and to machines that do not have the app. Who may decide is in promotion."""
