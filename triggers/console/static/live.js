// Ask for the page again while it is looked at, and put in what has changed. A hidden tab asks nothing.
import { readableTimes } from "./times.js";

const SLOWEST = 120_000, SOON = 3_000, LIVELY = 60_000, ATTENTIVE = 15_000;
const main = document.querySelector("main[data-live]");
// A page that asks other services says itself how often it may be asked.
const interval = 1000 * Math.max(15, Number(main?.dataset.live) || 0);
// In any hour a page makes 240 requests at most, whatever happens on the server. A lively page may use all but those that
// the slow pace needs for an hour; the presence of a reader leaves some of them for what follows a change.
const MOST = 240, HOUR = 3_600_000, KEPT_FOR_REST = 80, KEPT_FOR_CHANGES = 40;
const asked = [];
// Just after an own order, and after a change that somebody else has made, more is likely to follow.
let changedAt = new URL(location.href).searchParams.has("done") ? performance.now() : -Infinity;
// A person who has just come to the page looks at it, and so does a person who moves, scrolls or types on it.
let cameAt = performance.now(), touchedAt = -Infinity, askedAt = performance.now(), slow = 0;
let etag = "", failures = 0, timer = 0, shownAt = new Date(), isBusy = false;

function tell(text) {
  const place = document.getElementById("freshness");
  if (place) place.textContent = text;
}

export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

function clock(date) {
  return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function isWritten(element) {
  return element.matches("form[data-dirty]") || element.querySelector("form[data-dirty]") !== null;
}

function showChange(element) {
  for (const note of element.querySelectorAll(".changed")) note.hidden = false;
}

// What somebody is typing in is not touched, nor what they have opened, nor where they are.
function keep(before, after) {
  if (before.nodeType !== Node.ELEMENT_NODE) return true;
  if (before.matches("form[data-dirty]")) return false;
  // The form beside it is for what was there: it stays so, and says that something else is there now.
  if (before.matches("[data-evidence]") && isWritten(before) && before.dataset.evidence !== after.dataset.evidence) {
    after.dataset.evidence = before.dataset.evidence;
    showChange(after);
  }
  if (before.tagName === "DETAILS" && before.open) after.setAttribute("open", "");
  if (before.tagName === "TIME" && before.dateTime === after.dateTime) return false;
  if (before.tagName === "IFRAME" && before.dataset.digest === after.dataset.digest) return false;
  return true;
}

// Nor is it taken away where the server has nothing to decide there any more: its note says so.
function keepWritten(node) {
  if (node.nodeType !== Node.ELEMENT_NODE || !isWritten(node)) return true;
  showChange(node);
  return false;
}

function put(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.querySelector("main");
  if (!fresh) return;
  main.toggleAttribute("data-moves", fresh.hasAttribute("data-moves"));
  for (const note of fresh.querySelectorAll(":scope > .note")) note.remove();
  const notes = [...main.querySelectorAll(":scope > .note")];
  fresh.prepend(...notes.map((note) => note.cloneNode(true)));
  Idiomorph.morph(main, fresh.innerHTML, { morphStyle: "innerHTML", ignoreActiveValue: true, callbacks: { beforeNodeMorphed: keep, beforeNodeRemoved: keepWritten } });
  readableTimes(main);
  document.dispatchEvent(new CustomEvent("console:changed"));
  announce("The page has changed.");
}

// A form that was refused is shown at its own address, where nothing can be looked at: the page says what to ask for then.
export function address() {
  const url = new URL(main?.dataset.address ?? location.href, location.href);
  url.searchParams.delete("done");
  return url;
}

export async function ask() {
  if (!main || isBusy || document.hidden) return;
  isBusy = true;
  const begun = askedAt = performance.now();
  asked.push(begun);
  try {
    const headers = { "Signalbox-Poll": "1", ...(etag ? { "If-None-Match": etag } : {}) };
    const response = await fetch(address(), { headers, cache: "no-store", redirect: "manual" });
    if (response.status === 401) return tell("You have been signed out. What you typed stays here: send it, and you sign in on the way.");
    if (response.status !== 200 && response.status !== 304) throw new Error(String(response.status));
    if (response.status === 200) {
      const text = await response.text();
      if (etag && etag !== response.headers.get("ETag")) { put(text); changedAt = performance.now(); }
      etag = response.headers.get("ETag") ?? "";
    }
    failures = 0;
    shownAt = new Date();
    tell(`As of ${clock(shownAt)}`);
  } catch {
    failures += 1;
    tell(`As of ${clock(shownAt)}: the connection is lost, trying again`);
  } finally {
    isBusy = false;
    // A slow server is asked less often: the answer may take a quarter of the time at most. A quiet page calms down.
    slow = 4 * (performance.now() - begun);
    plan(failures ? Math.min(SLOWEST, 15_000 * 2 ** failures) : pause(performance.now()));
  }
}

function left(now) {
  while (asked[0] <= now - HOUR) asked.shift();
  return MOST - asked.length;
}

// How long to wait for the next look: a page on which something moves, or at which somebody evidently looks, is asked
// every 3 seconds, as long as it may. Where nothing happens, it saves its requests for then.
function pause(now) {
  const quiet = now - Math.max(changedAt, cameAt, touchedAt);
  const isMoving = "moves" in main.dataset || now - changedAt < LIVELY;
  const usual = Math.max(interval, isMoving || quiet < 180_000 ? 0 : quiet < 1_200_000 ? 30_000 : 60_000);
  const spare = left(now) - KEPT_FOR_REST;
  const isLookedAt = now - cameAt < LIVELY || now - touchedAt < ATTENTIVE;
  const isLively = (isMoving && spare > 0) || (isLookedAt && spare > KEPT_FOR_CHANGES);
  if (interval === 15_000 && isLively) return Math.max(SOON, slow);
  return Math.max(usual, slow, spare > 0 ? 0 : HOUR / KEPT_FOR_REST, untilAllowed(now));
}

function untilAllowed(now) {
  return left(now) > 0 ? 0 : asked[0] + HOUR - now;
}

function touch() {
  const now = performance.now(), isNew = now - touchedAt > 1_000;
  touchedAt = now;
  if (isNew && !isBusy && !failures) plan(Math.max(0, pause(now) - (now - askedAt)));
}

function showOrHide() {
  if (document.hidden) return clearTimeout(timer);
  cameAt = performance.now();
  plan(untilAllowed(cameAt));
}

function plan(milliseconds) {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(ask, milliseconds);
}

export function keepFresh() {
  if (!main) return;
  document.addEventListener("visibilitychange", showOrHide);
  for (const sign of ["pointermove", "pointerdown", "scroll", "keydown"]) document.addEventListener(sign, touch, { passive: true });
  setInterval(() => readableTimes(document), 30_000);
  ask();
}
