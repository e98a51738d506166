"""Pipeline jobs: components, runs however they are asked for, and the processes of their steps."""
