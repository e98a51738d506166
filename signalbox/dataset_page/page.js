"use strict";
// Each plot is drawn when it comes near the window: sixty at once would keep the page waiting.
const items = JSON.parse(document.getElementById("items").textContent);
const views = [];
async function draw(place) {
  near.unobserve(place);
  views.push(...await Bokeh.embed.embed_item(items[place.id], place.id));
}
const near = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
}, { rootMargin: "400px" });
for (const place of document.querySelectorAll(".plot")) near.observe(place);
// BokehJS reads the colours of the page's style when it paints.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const view of views) view.request_paint?.(); // Not each view of an item is one of a plot.
});
