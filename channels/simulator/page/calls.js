// The telephone of a phone on the screen: calls, rings, a keypad, and what is heard, as text. All text is set as text.
import { element } from "./texts.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const NAMES = { "*": "Star", "#": "Pound" };
const heardOn = new Map(); // by number: what came before its phone was on the screen

function dialled(number) {
  return /^\+1\d{10}$/.test(number) ? `(${number.slice(2, 5)}) ${number.slice(5, 8)}-${number.slice(8)}` : number;
}

// What happened, in words; what is said stands for itself.
const WORDS = {
  calling: ({ other }) => `Calling ${dialled(other)}`,
  rings: ({ other }) => `${dialled(other)} calls`,
  answered: () => "Answered",
  play: ({ text }) => `Recording: ${text}`,
  digits: ({ text }) => `Tones: ${text}`,
  music: () => "Music",
  beep: () => "Beep: speak now, a key ends it",
  pressed: ({ text }) => text,
  meets: ({ other }) => `Speaking with ${dialled(other)}`,
  parts: () => "The other one has gone",
  ended: ({ text }) => `Call ended: ${text}`,
};
const STANDING = { calling: "calling", rings: "rings", answered: "on a call", meets: "speaking", parts: "on a call", ended: "" };

export class Telephone {
  constructor(root, number, ask) {
    Object.assign(this, { root, number, ask, last: 0 });
    const name = dialled(number);
    this.part(".heard").setAttribute("aria-label", `Heard on ${name}`);
    this.part(".keypad").setAttribute("aria-label", `Keys of ${name}`);
    this.part(".keypad").append(...KEYS.map((key) => {
      const button = element("button", "key", key, { type: "button" });
      if (NAMES[key]) button.setAttribute("aria-label", NAMES[key]);
      button.addEventListener("click", () => this.ask("keys", { keys: key }));
      return button;
    }));
    this.part(".voice").addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || !KEYS.includes(event.key)) return;
      event.preventDefault();
      this.ask("keys", { keys: event.key });
    });
    this.part(".dial").addEventListener("click", () => this.ask("call"));
    this.part(".pick-up").addEventListener("click", () => this.ask("answer"));
    this.part(".hang-up").addEventListener("click", () => this.ask("hang-up"));
    this.stand("ended");
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  catchUp() {
    for (const event of heardOn.get(this.number) ?? []) this.take(event);
    heardOn.delete(this.number);
  }

  // Something that happened on this line. What was heard before changes nothing.
  take(event) {
    if (event.id <= this.last) return;
    this.last = event.id;
    const heard = this.part(".heard");
    if (event.what === "calling" || event.what === "rings") heard.replaceChildren();
    if (event.what === "rings") this.part(".voice").open = true;
    const said = event.what === "say";
    const line = element("p", said ? "said" : event.what === "pressed" ? "pressed" : "event", said ? event.text : WORDS[event.what](event));
    if (said) Object.assign(line, { dir: "auto", lang: event.language });
    if (said || heard.lastElementChild?.textContent !== line.textContent) heard.append(line);
    heard.scrollTop = heard.scrollHeight;
    if (event.what in STANDING) this.stand(event.what);
  }

  stand(what) {
    const free = what === "ended";
    const focused = document.activeElement;
    this.part(".standing").textContent = STANDING[what];
    this.part(".dial").hidden = !free;
    this.part(".pick-up").hidden = what !== "rings";
    this.part(".hang-up").disabled = free;
    this.part(".hang-up").textContent = what === "rings" ? "Decline" : "Hang up";
    this.part(".voice").dataset.rings = what === "rings" ? "yes" : "no";
    if (focused?.matches(".dial, .pick-up") && focused.hidden && this.root.contains(focused)) this.part(".key").focus();
    if (focused?.matches(".hang-up") && focused.disabled && this.root.contains(focused)) this.part(".dial").focus();
  }
}

// Follows the stream of calls; telephoneOf gives a number's telephone, nothing while its phone is not on the screen.
export function listenToCalls(telephoneOf) {
  const stream = new EventSource("/phones/calls");
  stream.addEventListener("call", ({ data }) => {
    const event = JSON.parse(data);
    const telephone = telephoneOf(event.phone);
    if (telephone) telephone.take(event);
    else heardOn.set(event.phone, [...heardOn.get(event.phone) ?? [], event]);
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => listenToCalls(telephoneOf), 2000);
  });
}
