"""Storage as the local Azure ML reaches it, where storage starts after it."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from signalbox.emulators.authority import ensure_authority
from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.estate import Place

EMPTY = b'<?xml version="1.0"?><EnumerationResults><Blobs/><NextMarker/></EnumerationResults>'


def test_what_is_resumed_waits_for_storage_that_is_still_starting(tmp_path: Path) -> None:
    authority, answers = ensure_authority(tmp_path), [500] * 5 + [200]

    class Starting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers.pop(0))
            self.send_header("Content-Type", "application/xml")
            self.end_headers()
            self.wfile.write(EMPTY)

        def log_message(self, *_: object) -> None: ...

    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(authority.cert, authority.key)
    with HTTPServer(("localhost", 0), Starting) as server:
        server.socket = trust.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        blobs = Blobs(f"https://localhost:{server.server_port}", authority.ca, lambda _: "token", {})

        assert blobs.download(Place(account="ml", container="data", path="in"), tmp_path) == []

        server.shutdown()
    assert answers == []
