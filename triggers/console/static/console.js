// Everything works without this script; it keeps a page fresh, times readable, and decisions to what was shown.
import { readableTimes } from "./times.js";
import { keepFresh } from "./live.js";
import { guardForms } from "./forms.js";
import { listenToKeys } from "./keys.js";

readableTimes(document);
keepFresh();
guardForms();
listenToKeys();
