// Keys that lead to a page. None of them decides anything, and none is heard while somebody types.
const PLACES = { i: "/console/", p: "/console/promotions", r: "/console/runs", m: "/console/me", s: "/console/schedules", d: "/console/dead-letters" };
let isWaiting = false;

export function listenToKeys() {
  const drawer = document.querySelector(".drawer");
  document.addEventListener("click", (event) => { if (drawer && !drawer.contains(event.target)) drawer.open = false; });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !drawer?.open) return;
    drawer.open = false;
    drawer.querySelector("summary").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    if (event.key === "/") {
      event.preventDefault(); // Else the slash is what is searched for.
      document.getElementById("find")?.select();
      return;
    }
    if (isWaiting && PLACES[event.key]) location.assign(PLACES[event.key]);
    isWaiting = event.key === "g";
    if (event.key === "?") document.querySelector("footer").scrollIntoView();
  });
}
