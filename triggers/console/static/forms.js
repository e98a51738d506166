// Forms: what is typed is kept, a decision is sent once, and only for the evidence that is there now.
import { address, announce, ask } from "./live.js";

async function isCurrent(section) {
  const response = await fetch(address(), { cache: "no-store", headers: { "Signalbox-Poll": "1" } });
  if (response.status !== 200) return true; // The server decides; the form shows its answer.
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const digests = [...page.querySelectorAll("[data-evidence]")].map((element) => element.dataset.evidence);
  return digests.includes(section.dataset.evidence);
}

async function send(event) {
  const form = event.target;
  if (!form.matches("form[data-decision]") || form.dataset.sent) return;
  const section = form.closest("[data-evidence]");
  const button = event.submitter;
  if (section) {
    event.preventDefault();
    button?.setAttribute("aria-busy", "true");
    if (!(await isCurrent(section))) {
      section.querySelector(".changed").hidden = false;
      announce("What this is for has changed. Nothing was sent.");
      button?.removeAttribute("aria-busy");
      return;
    }
    form.dataset.sent = "1";
    form.submit();
    return;
  }
  form.dataset.sent = "1";
}

export function guardForms() {
  document.addEventListener("input", (event) => event.target.closest("form[data-decision]")?.setAttribute("data-dirty", ""));
  document.addEventListener("submit", send);
  // The list follows its filters; without this script there is the button.
  document.addEventListener("change", (event) => event.target.closest("form[data-filters]")?.requestSubmit());
  window.addEventListener("pageshow", (event) => { if (event.persisted) ask(); });
}
