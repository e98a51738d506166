"""The reader process: bytes that nobody trusts are parsed outside the app, with limits of memory and time.

The way in is `checks.check_files(files, contract, reference) -> CheckReport`; *files* are `files.local_file(path)` or
any `files.TableFile`, *contract, reference* what `shared.adapters.hub_files.contracts.load_contract`
gives. It needs no hub, settings or cloud. Content never makes it raise: what cannot be read, or ends the process, is a
finding `readable`. `process` and `pool` are the app's side, `worker` and `operations` the reader's.
"""
