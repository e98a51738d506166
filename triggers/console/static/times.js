// Times in the viewer's own zone with how long ago they are; the exact time in UTC stays in the title.
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function distance(seconds) {
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return unit === "second" ? (seconds > 0 ? "in a moment" : "just now") : relative.format(Math.trunc(seconds / size), unit);
}

export function readableTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    element.title = `${at.toISOString().replace("T", " ").slice(0, 19)} UTC`;
    const ago = document.createElement("span"), exact = document.createElement("span");
    ago.textContent = distance((at - Date.now()) / 1000);
    exact.textContent = local.format(at);
    exact.className = "exact";
    element.replaceChildren(ago, " ", exact);
  }
}
