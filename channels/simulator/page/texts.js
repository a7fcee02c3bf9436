// What a text looks like: the bubbles a phone shows of it, and its line on the wire.

const SCRIPTS = {
  "zh-Hant": /\p{Script=Han}/u, ja: /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u, ko: /\p{Script=Hangul}/u,
  ar: /\p{Script=Arabic}/u, lo: /\p{Script=Lao}/u, ru: /\p{Script=Cyrillic}/u, uk: /\p{Script=Cyrillic}/u,
};
const CLOCK = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" });
const EXACT = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

export function element(tag, className, text = "", more = {}) {
  return Object.assign(document.createElement(tag), { className, textContent: text }, more);
}

export function plural(count, what) {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

// What the phone shows of a text: one bubble, or the parts one by one, or a note on what keeps it from being there.
export function bubblesOf(text, { handset, language }) {
  const time = CLOCK.format(new Date(text.settled));
  if (text.event === "inbound") return [bubble("out", text.body, language, `Sent ${time}`)];
  if (text.event === "refused") return [bubble("lost", text.body, language, `Refused by the gateway: ${text.meaning} (${text.code})`)];
  if (text.status === "undelivered" || text.status === "failed") {
    return [bubble("lost", text.body, language, `Did not arrive: ${text.meaning} (${text.code})`)];
  }
  if (text.status === "canceled") return [bubble("lost", text.body, language, "Taken back before it left")];
  if (text.status !== "delivered") return [element("p", "coming", "A text is on its way")];
  const parts = text.views[handset];
  const kind = text.event === "reply" ? "in" : "in unasked";
  return parts.map((part, at) => bubble(kind, part, language, at === parts.length - 1 ? time : ""));
}

function bubble(kind, body, language, note) {
  const one = element("div", `bubble ${kind}`);
  const script = SCRIPTS[language];
  one.append(element("p", "words", body, { dir: "auto", lang: !script || script.test(body) ? language : "en" }));
  if (note) one.append(element("p", "note", note));
  one.dataset.final = "yes";
  return one;
}

// One text on the wire: when, which way, how large, and what became of it.
export function hopOf(text) {
  const hop = element("li", "hop");
  hop.dataset.key = text.key;
  const size = `${text.encoding}, ${plural(text.units, "unit")}, ${plural(text.parts, "part")}`;
  const after = ((new Date(text.settled) - new Date(text.at)) / 1000).toFixed(1);
  const late = text.settled === text.at ? "" : ` after ${after} s`;
  const code = text.code ? ` ${text.code}: ${text.meaning}` : "";
  const good = ["delivered", "received"].includes(text.status);
  const end = element("span", `end ${good ? "good" : text.code ? "bad" : "open"}`, `${text.status || text.event}${late}${code}`);
  hop.append(
    element("time", "", EXACT.format(new Date(text.at)), { dateTime: text.at }),
    element("span", "way", text.event === "inbound" ? "from the phone" : "to the phone"), element("span", "size", size), end,
  );
  return hop;
}
