// The desk beyond HTML: the walk through the script is kept, keys count, and what cannot be sent now is sent later. Everything
// but the keeping works without it.
"use strict";

(() => {
  const KEPT = "desk311-presses";
  const away = document.getElementById("away");
  const told = document.getElementById("kept-presses");
  const mark = document.querySelector("#tally [name=mark]")?.value ?? "";
  const read = () => { try { return JSON.parse(localStorage.getItem(KEPT) ?? "[]"); } catch { return []; } };
  const write = (presses) => { localStorage.setItem(KEPT, JSON.stringify(presses)); if (told) told.textContent = presses.length ? `(${presses.length})` : ""; };
  const reached = (yes) => { if (away) away.hidden = yes; };
  const mint = () => { const bytes = crypto.getRandomValues(new Uint8Array(12)); return [...bytes].map((one) => one.toString(16).padStart(2, "0")).join(""); };

  // Presses: shown as counted once the service has them; kept in this browser until then. Each has its own mark, so that one
  // which is sent twice counts once.
  const send = async (press) => {
    const answer = await fetch("/desk311/tally", { method: "POST", headers: { "HX-Request": "true" }, body: new URLSearchParams({ ...press, mark }) });
    if (answer.status >= 500) throw new Error("not now");
    return answer;
  };
  let flushing = false;
  const flush = async () => {
    if (flushing) return;
    flushing = true;
    try {
      if (!mark) { // the kept page names no session: presses wait for the desk's own page
        const there = await fetch("/desk311/script", { cache: "no-store" });
        if (there.status >= 500) throw new Error("not now");
        reached(true);
        return;
      }
      let presses = read();
      while (presses.length) {
        const answer = await send(presses[0]);
        if (answer.status === 401 || answer.status === 403) break;
        const pressed = document.getElementById("pressed");
        if (pressed && answer.ok) pressed.innerHTML = await answer.text();
        presses = read().filter((one) => one.press !== presses[0].press);
        write(presses);
      }
      reached(true);
    } catch { reached(false); } finally { flushing = false; write(read()); }
  };
  document.getElementById("tally")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const of = (name) => form.querySelector(`[name=${name}]`).value;
    const press = { press: mint(), at: new Date().toISOString(), reason: event.submitter?.value ?? "something else", language: of("language"), zip: of("zip") };
    write([...read(), press]);
    event.submitter?.classList.add("pressed");
    setTimeout(() => event.submitter?.classList.remove("pressed"), 300);
    flush();
  });
  write(read());
  flush();
  setInterval(flush, 5000);

  // The walk: which step, which answer; a step that may be taken so often is no longer offered after that.
  const run = document.getElementById("run");
  const path = [];
  const taken = new Map();
  const field = (name) => run?.querySelector(`[name=${name}]`);
  const noted = () => { if (field("path")) field("path").value = JSON.stringify(path); };
  const step = () => document.querySelector(".step:target") ?? document.querySelector(".step");
  if (field("begun")) field("begun").value = new Date().toISOString();
  document.getElementById("script")?.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-choice]");
    if (!link) return;
    const here = link.closest(".step").dataset.step;
    path.push([here, link.dataset.choice]);
    const key = `${here} ${link.dataset.choice}`;
    taken.set(key, (taken.get(key) ?? 0) + 1);
    if (link.dataset.most && taken.get(key) >= Number(link.dataset.most)) link.hidden = true;
    noted();
  });
  addEventListener("hashchange", () => {
    const now = step();
    if (now && location.hash.startsWith("#s-")) { now.focus({ preventScroll: true }); now.scrollIntoView({ block: "nearest" }); }
    const where = document.querySelector("#unknown [name=step]");
    if (where && now) where.value = now.dataset.step;
  });
  document.querySelector("[data-again]")?.addEventListener("click", () => { path.length = 0; noted(); });

  // A language is read as soon as it is chosen.
  document.getElementById("language")?.addEventListener("change", (event) => event.target.form.requestSubmit());
  // The ZIP of the address that was found goes into the tally.
  document.body.addEventListener("htmx:afterSwap", () => {
    const zip = document.getElementById("said-place")?.dataset.zip;
    const into = document.getElementById("tally-zip");
    if (zip && into) into.value = zip;
    reached(true);
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) document.body.addEventListener(name, () => reached(false));
  document.body.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status >= 500) reached(false); });
  // An open part of the page that a link leads to is opened.
  const opened = () => { const part = location.hash && document.querySelector(location.hash.replace(/[^#\w-]/g, "")); if (part?.tagName === "DETAILS") part.open = true; };
  addEventListener("hashchange", opened);
  opened();

  // The script is kept for when nothing can be reached, anew every minute.
  if ("serviceWorker" in navigator && isSecureContext) {
    const files = [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((one) => one.href || one.src);
    const keep = (worker) => worker?.postMessage({ asked: `/desk311/script${location.search.includes("language=") ? location.search : ""}`, files });
    navigator.serviceWorker.register("/desk311/worker.js", { scope: "/desk311" }).then(() => navigator.serviceWorker.ready).then((there) => {
      keep(there.active);
      setInterval(() => keep(there.active), 60000);
      document.documentElement.dataset.kept = "asked";
    }).catch(() => undefined);
    document.querySelector("form[action='/sign-out']")?.addEventListener("submit", () => navigator.serviceWorker.controller?.postMessage({ forget: true }));
  }
})();
