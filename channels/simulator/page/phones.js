// The phones on the screen: draws what the stream tells, and passes on what is typed. All text is set as text, never as markup.
import { Telephone, listenToCalls } from "./calls.js";
import { bubblesOf, element, hopOf, plural } from "./texts.js";

const CONDITIONS = {
  gsm: "old handset", shuffled: "parts out of order", drop: "no coverage", delay: "8 s late", landline: "landline",
  reassigned: "new owner",
};

const find = (selector, root = document) => root.querySelector(selector);
const grown = (id) => find(`#${id}`).content.cloneNode(true);
const phones = new Map();
let tongues = {};
let log = "";

function dialled(number) {
  return `(${number.slice(2, 5)}) ${number.slice(5, 8)}-${number.slice(8)}`;
}

// The problems a request was refused with, in words; "" when it was not.
async function ask(method, path, document) {
  const body = document && JSON.stringify(document);
  try {
    const reply = await fetch(path, { method, body, headers: body ? { "Content-Type": "application/json" } : {} });
    if (reply.ok) return "";
    return (await reply.json()).problems.join(" ");
  } catch {
    return "The simulator does not answer. What you wrote is kept.";
  }
}

// The settings of a phone as form fields; `chosen` is told of each change.
function settingsIn(place, settings, chosen = () => {}) {
  place.replaceChildren(grown("settings"));
  const languages = find("[name=language]", place);
  languages.append(...Object.entries(tongues).map(([value, tongue]) => element("option", "", tongue.endonym, { value, lang: value })));
  for (const field of place.querySelectorAll("[name]")) {
    field.value = settings[field.name] ?? field.value;
    field.addEventListener("change", () => chosen({ [field.name]: field.value }));
  }
}

function settingsOf(place) {
  return Object.fromEntries([...place.querySelectorAll("[name]")].map((field) => [field.name, field.value]));
}

class Phone {
  constructor(settings) {
    this.settings = settings;
    this.texts = new Map(); // by sid; what was refused has none and goes by its line in the log
    this.lines = new Set();
    this.last = 0;
    this.from = 0;
    this.root = grown("phone").firstElementChild;
    const number = dialled(settings.number);
    const name = `phone-${settings.number.slice(1)}`;
    this.part("h3").id = name;
    this.part("article").setAttribute("aria-labelledby", name);
    this.part(".number").textContent = number;
    this.part(".screen").setAttribute("aria-label", `Texts on ${number}`);
    this.part(".hops").setAttribute("aria-label", `Texts of ${number} on the wire, the newest first`);
    this.part(".quick").setAttribute("aria-label", `Texts to send from ${number}`);
    this.part(".body").id = `body-${settings.number.slice(1)}`;
    this.part("label.unseen").htmlFor = this.part(".body").id;
    this.part("label.unseen").textContent = `Text from ${number}`;
    this.part(".body").value = sessionStorage.getItem(settings.number) ?? "";
    this.listen();
    this.telephone = new Telephone(this.root, settings.number, (path, document) => this.ask(path, document));
    this.dress(settings);
  }

  part(selector) {
    return find(selector, this.root);
  }

  listen() {
    const { number } = this.settings;
    const body = this.part(".body");
    body.addEventListener("input", () => sessionStorage.setItem(number, body.value));
    this.part("form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = body.value;
      if (text.trim() && await this.send(text) && body.value === text) body.value = "";
      sessionStorage.setItem(number, body.value);
    });
    this.part(".remove").addEventListener("click", async () => {
      this.refuse(await ask("DELETE", `/phones/${number}`));
      find("#add").focus();
    });
    this.part(".aloud").addEventListener("click", ({ currentTarget }) => {
      const on = toggled(currentTarget);
      this.part(".screen").setAttribute("aria-live", on ? "polite" : "off");
    });
    this.part(".record").addEventListener("click", ({ currentTarget }) => {
      this.from = toggled(currentTarget) ? this.last : 0;
      currentTarget.textContent = this.from ? "Recording: show all instead" : "Record from here";
    });
    this.part(".written").addEventListener("click", () => showTranscript(this));
  }

  async send(text) {
    const problem = await ask("POST", `/phones/${this.settings.number}/text`, { body: text });
    this.refuse(problem);
    return !problem;
  }

  async change(wish) {
    this.refuse(await ask("PATCH", `/phones/${this.settings.number}`, wish));
  }

  // What a button of the telephone asks for; whether it was done.
  async ask(path, document = {}) {
    const problem = await ask("POST", `/phones/${this.settings.number}/${path}`, document);
    this.refuse(problem);
    return !problem;
  }

  refuse(problem) {
    this.part(".problem").textContent = problem;
  }

  // Shows the phone's settings as they are now.
  dress(settings) {
    const before = this.settings;
    this.settings = settings;
    const { language, place, handset, line } = settings;
    const tongue = tongues[language];
    Object.assign(this.part(".tongue"), { textContent: tongue.endonym, lang: language });
    this.part(".place").textContent = place;
    const conditions = [handset, line].map((each) => CONDITIONS[each]).filter(Boolean);
    this.part(".condition").replaceChildren(...conditions.map((each) => element("span", "tag", each)));
    this.root.dataset.line = line;
    const first = /^\d*$/.test(place) ? [`${tongue.greeting} ${place}`.trim()] : [tongue.greeting, place];
    const quick = [...first, tongue.water, tongue.stop];
    this.part(".quick").replaceChildren(...quick.map((text) => {
      const button = element("button", "chip", text, { type: "button", lang: language, dir: "auto" });
      button.addEventListener("click", () => this.send(text));
      return button;
    }));
    if (!this.part(".settings").contains(document.activeElement)) {
      settingsIn(this.part(".settings"), settings, (wish) => this.change(wish));
    }
    for (const field of [this.part(".body"), this.part(".send"), ...this.part(".quick").children]) field.disabled = line === "landline";
    if (before.handset !== handset || before.owned_from !== settings.owned_from || !this.lines.size) this.draw();
  }

  // A line of the log. One that was heard before changes nothing.
  hear(line) {
    if (this.lines.has(line.seq)) return;
    this.lines.add(line.seq);
    this.last = Math.max(this.last, line.seq);
    const key = line.sid || `line ${line.seq}`;
    const text = this.texts.get(key) ?? { key, at: line.at };
    const { event } = text.event ? text : line; // a report changes what became of a text, not what it is
    this.texts.set(key, { ...text, ...line, at: text.at, event, settled: line.at, shown: line.seq });
    this.show(this.texts.get(key));
    this.wire(this.texts.get(key));
  }

  draw() {
    const { owned_from: since } = this.settings;
    const divider = since ? [element("p", "divider", "This number has a new owner, who has seen none of the texts before.")] : [];
    this.part(".screen").replaceChildren(...divider, element("p", "empty", "No texts yet. Send the first one below."));
    const shown = [...this.texts.values()].sort((one, other) => one.shown - other.shown);
    const owned = shown.filter((text) => text.shown > since);
    owned.forEach((text) => this.show(text));
  }

  // Puts a text on the screen, or what became of it in place of what was there.
  show(text) {
    if (text.shown <= this.settings.owned_from || text.event === "dropped" || text.body === undefined) return;
    const screen = this.part(".screen");
    const atEnd = screen.scrollHeight - screen.scrollTop - screen.clientHeight < 80;
    const old = [...screen.querySelectorAll("[data-key]")].filter((each) => each.dataset.key === text.key);
    if (old.some((each) => each.dataset.final)) return;
    old.forEach((each) => each.remove());
    find(".empty", screen)?.remove();
    const bubbles = bubblesOf(text, this.settings);
    bubbles.forEach((bubble) => { bubble.dataset.key = text.key; });
    screen.append(...bubbles);
    if (atEnd) screen.scrollTop = screen.scrollHeight;
  }

  wire(text) {
    const hop = hopOf(text);
    const old = [...this.part(".hops").children].find((each) => each.dataset.key === text.key);
    if (old) old.replaceWith(hop);
    else this.part(".hops").prepend(hop);
    this.part(".count").textContent = plural(this.texts.size, "text");
  }
}

function toggled(button) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  return on;
}

async function showTranscript(phone) {
  const reply = await fetch(`/phones/${phone.settings.number}/transcript?after=${phone.from}`);
  const yaml = await reply.text();
  find("#yaml").value = reply.ok && yaml ? yaml : "# Nothing was written from this phone yet.\n";
  find("#copied").textContent = "";
  find("#transcript").showModal();
}

function arrange({ log: current, phones: given, tongues: known }) {
  tongues = known;
  if (log !== current) {
    phones.forEach((phone) => phone.root.remove());
    phones.clear();
  }
  log = current;
  const numbers = given.map((settings) => settings.number);
  for (const [number, phone] of phones) {
    if (numbers.includes(number)) continue;
    phone.root.remove();
    phones.delete(number);
  }
  for (const settings of given) {
    if (phones.has(settings.number)) phones.get(settings.number).dress(settings);
    else {
      const phone = new Phone(settings);
      phones.set(settings.number, phone);
      phone.telephone.catchUp();
      find("#phones").append(phone.root);
    }
  }
  find("#none").hidden = given.length > 0;
}

function listen() {
  const stream = new EventSource("/phones/events");
  const state = find("#connection");
  const tell = (words, on) => {
    if (state.textContent !== words) state.textContent = words;
    state.dataset.on = on;
  };
  stream.addEventListener("open", () => tell("Connected", "yes"));
  stream.addEventListener("phones", ({ data }) => arrange(JSON.parse(data)));
  stream.addEventListener("line", ({ data }) => {
    const line = JSON.parse(data);
    phones.get(line.phone)?.hear(line);
  });
  stream.addEventListener("error", () => {
    tell("Connection lost, trying again", "no");
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 2000); // the browser itself tries again otherwise
  });
}

find("#projector").addEventListener("click", ({ currentTarget }) => {
  document.documentElement.classList.toggle("projector", toggled(currentTarget));
});
find("#add").addEventListener("click", () => {
  settingsIn(find("#adding .settings"), { line: "good", handset: "smart", language: "en" });
  find("#adding .problem").textContent = "";
  find("#adding").showModal();
});
find("#adding form").addEventListener("submit", async (event) => {
  if (event.submitter?.value === "cancel") return;
  event.preventDefault();
  const problem = await ask("POST", "/phones", settingsOf(find("#adding .settings")));
  find("#adding .problem").textContent = problem;
  if (problem) return;
  find("#adding").close();
  find("#said").textContent = "The phone is on the screen.";
});
find("#copy").addEventListener("click", async () => {
  find("#yaml").select();
  await navigator.clipboard.writeText(find("#yaml").value).then(
    () => { find("#copied").textContent = "Copied."; },
    () => { find("#copied").textContent = "Selected: press Ctrl+C."; },
  );
});
listen();
listenToCalls((number) => phones.get(number)?.telephone);
