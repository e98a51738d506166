"""A project's own functions, run in processes of their own.

`functions` answers the product's questions, `child` is the app's side of one process, `worker` what runs in it.
"""
