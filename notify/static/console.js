// What every page of the console does beyond HTML and htmx: keys, and where the focus goes. Everything works without it.
"use strict";

(() => {
  const inField = (target) => target.closest("input, select, textarea, [contenteditable]");

  // One-letter keys lead where a visible link or button with that data-key leads (WCAG 2.1.4: never from within a field).
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter") {
      const press = document.querySelector("[data-key='Ctrl+Enter']");
      if (press) { event.preventDefault(); press.click(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || inField(event.target)) return;
    if (localStorage.getItem("keys") === "off") return;
    const wanted = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const target = document.querySelector(`[data-key="${CSS.escape(wanted)}"]`);
    if (target && !target.disabled) { event.preventDefault(); target.focus(); target.click(); }
  });

  // Problems are read first.
  const problems = document.getElementById("problems");
  if (problems) problems.focus();
})();
