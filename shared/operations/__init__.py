"""What operators ask of the app: the doctor, the roles it needs, and checks without a running app."""
