"""HTTP bodies as streams, for apps with the extension `azurefunctions-extensions-http-fastapi`."""
