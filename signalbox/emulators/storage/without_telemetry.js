"use strict";
// Loaded into Azurite before it starts (`node --require`). Azurite runs with --disableTelemetry and loads Application
// Insights all the same, which is two thirds of its start. Nothing asks for it then, so that an empty module will do.

const Module = require("module");

const load = Module._load;

Module._load = function (request, ...rest) {
  return request === "applicationinsights" ? {} : load.call(this, request, ...rest);
};
