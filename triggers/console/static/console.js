// Everything works without this script; it keeps a page fresh, times readable, and decisions to what was shown.
import { readableTimes } from "./times.js";
import { keepFresh } from "./live.js";
import { guardForms } from "./forms.js";
import { listenToKeys } from "./keys.js";

readableTimes(document);
// On a phone the navigation scrolls: where one is stands in it, and not behind its edge.
const place = document.querySelector(".top nav > ul [aria-current]"), ways = place?.closest("ul");
if (ways) ways.scrollLeft = place.offsetLeft - ways.offsetLeft - (ways.clientWidth - place.offsetWidth) / 2;
keepFresh();
guardForms();
listenToKeys();
