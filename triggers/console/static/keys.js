// Keys that lead to a page. None of them decides anything, and none is heard while somebody types.
const PLACES = { i: "", p: "promotions", r: "runs", m: "me", s: "schedules", d: "dead-letters" };
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
    const place = PLACES[event.key];
    // The way to the first page is the template's, since a proxy may serve the console below a path.
    if (isWaiting && place !== undefined) location.assign(document.querySelector(".brand").href + place);
    isWaiting = event.key === "g";
    if (event.key === "?") document.querySelector("footer").scrollIntoView();
  });
}
