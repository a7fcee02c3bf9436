// What runs inside a page to judge how it reads.

// Opens whatever is folded, so that it is judged, too.
export function open() {
  for (const one of document.querySelectorAll("details")) one.open = true;
}

// English words that somebody who reads Arabic would stumble over: visible text and labels, but for what says of itself that it is
// in another language, what is data (isolated by bdi or its characters, code, alerts' own words), and words that translations keep.
export function english(allowed) {
  const known = new Set(allowed.map((word) => word.toLowerCase()));
  const foreign = (one) => one.closest("[lang]")?.lang.split("-")[0] !== "ar"
    || one.closest("bdi, code, kbd, textarea, script, style, .bubble, .letter, .maps text");
  const words = (text) => (text.replace(/\u2068[^\u2069]*\u2069/g, "").match(/[A-Za-z]{2,}/g) ?? []).filter((word) => !known.has(word.toLowerCase()));
  const found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const holder = walk.currentNode.parentElement;
    if (words(walk.currentNode.data).length && !foreign(holder) && holder.checkVisibility()) found.add(walk.currentNode.data.trim());
  }
  for (const one of document.body.querySelectorAll("[aria-label], [title], [alt], [placeholder]")) {
    for (const name of ["aria-label", "title", "alt", "placeholder"]) {
      const text = one.getAttribute(name) ?? "";
      if (words(text).length && !foreign(one)) found.add(`${name}=${text}`);
    }
  }
  return [...found];
}

// Words and fields that stick out of the window on a side where nobody can scroll to them.
export function hidden() {
  const found = [];
  for (const one of document.body.querySelectorAll("a, button, input, select, textarea, h1, h2, h3, p, label, dd, dt, li > span")) {
    if (!one.checkVisibility() || one.closest(".scroll, .skip, .visually-hidden, #map, .unseen, [hidden]")) continue;
    const box = one.getBoundingClientRect();
    if (box.width > 1 && (box.left < -1 || box.right > innerWidth + 1)) found.push(one.outerHTML.slice(0, 100));
  }
  return found;
}
