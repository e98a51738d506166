"""The sections of `signalbox.yaml`, a module for each capability: first the dataclasses of what people write, by which
the file is read and its JSON Schema is made, then what only shows when fields are seen together."""
