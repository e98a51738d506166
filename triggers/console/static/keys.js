// Keys that lead to a page. None of them decides anything, and none is heard while somebody types.
const PLACES = { i: "/console/", p: "/console/promotions", r: "/console/runs", m: "/console/me", s: "/console/schedules", d: "/console/dead-letters" };
let isWaiting = false;

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    if (isWaiting && PLACES[event.key]) location.assign(PLACES[event.key]);
    isWaiting = event.key === "g";
    if (event.key === "?") document.querySelector("footer").scrollIntoView();
  });
}
