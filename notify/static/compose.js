// The composer: lists narrowed down by typing, parts of the form shown as chosen, and drafts kept in this browser until they
// are kept by the service. Everything works without it.
"use strict";

(() => {
  const plain = (text) => text.toLocaleLowerCase().normalize("NFKD").replace(/\p{Mn}/gu, "");

  // Hazards: typing narrows the list; Enter takes the first that is left.
  const filter = document.getElementById("filter");
  if (filter) {
    const items = [...document.querySelectorAll("#hazards li")];
    const found = document.getElementById("found");
    const left = () => items.filter((item) => !item.hidden);
    filter.addEventListener("input", () => {
      const words = plain(filter.value).split(/\s+/).filter(Boolean);
      for (const item of items) item.hidden = !words.every((word) => plain(item.dataset.words).includes(word));
      found.textContent = `${left().length}`;
    });
    filter.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      const first = left()[0];
      if (first && filter.value.trim()) first.querySelector("button").click();
    });
  }

  const form = document.getElementById("draft");
  if (!form) return;

  // Areas: typing narrows the list; what is ticked stays in sight.
  const areaFilter = document.getElementById("area-filter");
  areaFilter.addEventListener("input", (event) => {
    event.stopPropagation();
    const word = plain(areaFilter.value);
    for (const label of document.querySelectorAll("#names label")) {
      label.hidden = !plain(label.dataset.words).includes(word) && !label.querySelector("input").checked;
    }
    for (const group of document.querySelectorAll("#names details")) {
      if (word) group.open = Boolean(group.querySelector("label:not([hidden])"));
    }
  });

  // Only the chosen way to give an area is shown.
  const show = () => {
    const way = form.querySelector("input[name=where]:checked")?.value ?? "names";
    for (const part of form.querySelectorAll(".way")) part.hidden = !part.dataset.way.split(" ").includes(way);
  };
  form.addEventListener("change", show);
  show();

  const file = document.getElementById("geojson-file");
  file.addEventListener("change", async () => {
    if (!file.files[0]) return;
    const area = document.getElementById("geojson");
    area.value = await file.files[0].text();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // What is typed is kept in this browser until the service has it.
  const key = `draft ${form.dataset.alert}`;
  const typed = () => {
    const pairs = [...new FormData(form).entries()].filter(([name, value]) => typeof value === "string" && !["mark", "version", "act", "show"].includes(name));
    return JSON.stringify(pairs);
  };
  const begun = typed();
  const keep = () => localStorage.setItem(key, JSON.stringify({ version: form.dataset.version, pairs: typed(), begun }));
  const restore = (pairs) => {
    const several = new Map();
    for (const [name, value] of pairs) several.set(name, [...(several.get(name) ?? []), value]);
    for (const field of form.elements) {
      if (!field.name || ["hidden", "submit", "file"].includes(field.type) || field.name === "show") continue;
      const values = several.get(field.name) ?? [];
      if (["checkbox", "radio"].includes(field.type)) field.checked = values.includes(field.value);
      else field.value = values[0] ?? "";
    }
    show();
    form.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const before = JSON.parse(localStorage.getItem(key) ?? "null");
  if (before && before.version === form.dataset.version && before.pairs !== begun) {
    restore(JSON.parse(before.pairs));
    document.getElementById("kept").textContent = "↺";
  } else localStorage.removeItem(key);
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  form.addEventListener("submit", () => { window.removeEventListener("beforeunload", warn); });
  const warn = (event) => { if (typed() !== begun) event.preventDefault(); };
  window.addEventListener("beforeunload", warn);
})();
