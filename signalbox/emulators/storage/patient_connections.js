// Azurite closes a connection that was idle for five seconds, and reads its own option for that under a wrong name. The
// front reuses connections: what it sends while the other side closes would be lost, and nobody could tell whether it was
// carried out. The front itself closes idle connections, long before this time (azurite.py).
"use strict";

const https = require("https");

const IDLE_MS = 120_000;
const createServer = https.createServer;

https.createServer = (...given) => {
  const server = createServer(...given);
  Object.defineProperty(server, "keepAliveTimeout", { get: () => IDLE_MS, set: () => {} });
  return server;
};
