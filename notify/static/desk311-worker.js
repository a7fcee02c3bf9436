// Keeps the script of the desk for when the service or its database cannot be reached. Nothing of any person is kept: only the
// page that has the script alone, and the sheets and scripts it needs.
"use strict";

const SHELF = "desk311";
const SCRIPT = "/desk311/script";
const PATIENCE_MS = 4000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const keep = async (asked, files) => {
  const shelf = await caches.open(SHELF);
  const answer = await fetch(asked, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  await shelf.put(SCRIPT, answer);
  for (const file of files) if (!(await shelf.match(file))) await shelf.add(file);
};

self.addEventListener("message", (event) => {
  const { asked, files, forget } = event.data ?? {};
  if (forget) event.waitUntil(caches.delete(SHELF));
  else if (typeof asked === "string" && asked.startsWith(SCRIPT)) event.waitUntil(keep(asked, files ?? []).catch(() => undefined));
});

const soon = (request) => {
  const limit = new AbortController();
  const clock = setTimeout(() => limit.abort(), PATIENCE_MS);
  return fetch(request, { signal: limit.signal }).finally(() => clearTimeout(clock));
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && url.pathname.startsWith("/desk311")) {
    event.respondWith((async () => {
      let answer;
      try { answer = await soon(request); } catch { answer = undefined; }
      if (answer && answer.status < 500) return answer;
      return (await caches.match(SCRIPT)) ?? answer ?? Response.error();
    })());
  } else if (url.pathname.startsWith("/static/")) {
    event.respondWith((async () => {
      try { return await fetch(request); } catch { return (await caches.match(request)) ?? Response.error(); }
    })());
  }
});
