// An open tab for an hour of a clock of its own: what the page's script asks for, counted. `node open_tab.mjs FOLDER SCENE`.
import { pathToFileURL } from "node:url";

const [folder, scene] = process.argv.slice(2);
const { seconds = "", hiddenAfter = Infinity, backAfter = Infinity, answer = 304, takes = 20, done = false, moves = false, movesAfter = Infinity, flickersEvery = 0, touchedEvery = 0, touchedUntil = 3_600_000 } = JSON.parse(scene);

let now = 0, number = 0;
const due = new Map(), listeners = {}, asked = [];
const element = { textContent: "", dataset: { live: seconds, ...(moves ? { moves: "" } : {}) }, querySelector: () => null, querySelectorAll: () => [] };

function later(act, delay, every = 0) {
  due.set(++number, { at: now + delay, act, every });
  return number;
}

globalThis.setTimeout = (act, delay) => later(act, delay);
globalThis.clearTimeout = (timer) => due.delete(timer);
globalThis.setInterval = (act, delay) => later(act, delay, delay);
Object.defineProperty(globalThis, "performance", { value: { now: () => now } });
globalThis.location = { href: `http://127.0.0.1/console/models${done ? "?done=order" : ""}` };
globalThis.document = {
  hidden: false,
  querySelector: (selector) => (selector.startsWith("main") ? element : null),
  querySelectorAll: () => [],
  getElementById: () => element,
  addEventListener: (name, act) => { listeners[name] = act; },
};
globalThis.DOMParser = class { parseFromString() { return { querySelector: () => null }; } };
globalThis.fetch = (address, { headers }) => {
  asked.push({ at: now, conditional: "If-None-Match" in headers });
  const status = asked.length === 1 ? 200 : answer;
  const etag = status === 304 ? '"1"' : `"${asked.length}"`;
  const response = { status, text: async () => "", headers: { get: () => etag } };
  return new Promise((resolve, reject) => later(() => (status < 500 ? resolve(response) : reject(new Error())), takes));
};

function show(hidden) {
  document.hidden = hidden;
  listeners.visibilitychange();
}

const { keepFresh } = await import(pathToFileURL(`${folder}/live.js`));
keepFresh();
for (let at = touchedEvery; touchedEvery && at < touchedUntil; at += touchedEvery) later(() => listeners.pointermove(), at);
later(() => { element.dataset.moves = ""; }, movesAfter);
for (let at = flickersEvery; flickersEvery && at < 3_600_000; at += flickersEvery) later(() => { show(true); show(false); }, at);
later(() => show(true), hiddenAfter);
later(() => show(false), backAfter);
while (due.size) {
  const [timer, { at, act, every }] = [...due.entries()].reduce((first, other) => (other[1].at < first[1].at ? other : first));
  if (at >= 3_600_000) break;
  due.delete(timer);
  now = at;
  if (every) later(act, every, every);
  act();
  await new Promise((resolve) => setImmediate(resolve));
}
console.log(JSON.stringify(asked));
