// Counts down between two updates, and shows when the updates stop coming.
"use strict";

const UNITS = [["h", 3600], ["min", 60], ["s", 1]];

function inWords(seconds) {
  const parts = [];
  let left = Math.abs(seconds);
  for (const [unit, size] of UNITS) {
    const amount = Math.floor(left / size);
    left -= amount * size;
    if (amount || (unit === "s" && !parts.length)) parts.push(`${amount} ${unit}`);
  }
  return parts.join(" ");
}

// When each shown figure arrived; a figure that arrives again starts over.
const told = new WeakMap();

function countDown() {
  const now = Date.now();
  for (const shown of document.querySelectorAll("[data-remaining]")) {
    const key = shown.dataset.remaining;
    let since = told.get(shown);
    if (!since || since.key !== key) told.set(shown, since = { key, at: now });
    if (shown.dataset.runs !== "true") continue;
    let seconds = Math.floor((Number(key) - (now - since.at)) / 1000);
    // Used up is not breached if the SLA breaches when the calendar next opens; the next update says when.
    if (shown.dataset.holds === "true" && Number(key) > 0) seconds = Math.max(0, seconds);
    shown.textContent = seconds < 0 ? shown.dataset.over.replace("{}", inWords(seconds)) : inWords(seconds);
    shown.closest("td").classList.toggle("over", seconds < 0);
  }
}

setInterval(countDown, 1000);

const lost = () => document.getElementById("lost");
document.addEventListener("htmx:sseError", () => { if (lost()) lost().hidden = false; });
document.addEventListener("htmx:sseOpen", () => { if (lost()) lost().hidden = true; });

// A filter applies at once; without scripts the button applies it.
document.addEventListener("change", (event) => {
  if (event.target.matches(".filters select")) event.target.form.requestSubmit();
});
