"""A project's own gates, each question in a process of its own. `process` is the app's side, `worker` the child's."""
