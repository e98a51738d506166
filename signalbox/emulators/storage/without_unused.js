"use strict";
// Loaded into Azurite before it starts (`node --require`). Azurite runs with --disableTelemetry and without a database,
// and loads Application Insights and the libraries of four databases all the same, which takes three quarters of its
// start. Nothing asks for them then, so that an empty module will do.

const Module = require("module");

const load = Module._load;
const UNUSED = ["applicationinsights", "./SqlBlobServer"];

Module._load = function (request, ...rest) {
  return UNUSED.includes(request) ? {} : load.call(this, request, ...rest);
};
