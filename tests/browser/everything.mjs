// Every page there is, in English and Arabic: wide, at 200 % zoom and on the smallest phone; judged by axe, by the eye of somebody
// who uses the keyboard alone, and by whoever reads no English. Writes the pictures of docs/screens when given their folder.
import { mkdirSync, writeFileSync } from "node:fs";
import { axe, check, failures, run } from "./judge.mjs";
import { english, hidden, open } from "./reading.mjs";
import { STEPS } from "./steps.mjs";

const PICTURES = process.argv[3] ?? "";
const ONLY = new RegExp(process.argv[4] ?? ""); // names of pages, to look at few
const GLANCE = Boolean(process.env.GLANCE); // pictures, words and widths alone, while one works on a page
const LONGEST_MS = 1_800_000;
const DESK = { width: 1280, height: 900 };
// WCAG 1.4.4 and 1.4.10: a window of 1280 px at 200 % lays its page out on 640, and at 400 % on 320.
const ZOOMED = { width: 640, height: 450 };
const PHONE = { width: 320, height: 640 };
const HAND = { width: 390, height: 844 };
const PAPER = { width: 725, height: 988 }; // a letter sheet less the margins of page.css, at 96 dots an inch
const TALLEST = 2400;
const MOST_TABS = 60;

// What other stories picture.
const BESIDE = [
  ["A caller on the line, after a fact has changed", "desk311-call"], ["911 brought into the call", "desk311-centre"],
  ["911 brought into the call, on a phone", "desk311-centre-phone"], ["The wallboard while twelve languages wait", "wallboard-surge"],
];

class Walk {
  constructor(browser, told, ask) {
    Object.assign(this, { browser, told, ask, pictures: [] });
  }

  // A browser of its own for each person and language, so that cookies never mix.
  async page(who, language) {
    const context = await this.browser.newContext({ viewport: DESK, reducedMotion: "reduce", locale: language === "ar" ? "ar" : "en-US" });
    const cookies = [{ name: "language", value: language, url: this.told.url }];
    if (who in this.told.sessions) cookies.push({ name: "tocsin", value: this.told.sessions[who], url: this.told.url });
    await context.addCookies(cookies);
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    return page;
  }

  async step(step, language) {
    const page = await this.page(step.who, language);
    const name = `${step.name} (${language})`;
    const begun = Date.now();
    page.on("console", (message) => {
      if (message.type() === "error" && !/status of (40\d|410|422)/.test(message.text())) failures.push(`${name}: ${message.text()}`);
    });
    page.on("pageerror", (error) => failures.push(`${name}: ${error}`));
    page.on("dialog", (dialog) => dialog.accept());
    try {
      await step.go({ page, language, told: this.told, ask: this.ask, goto: (path) => this.goto(page, step, path) });
      await this.judge(page, name, language, step);
    } catch (error) {
      failures.push(`${name}: ${error.message.split("\n")[0]} ${page.url()} ${(await page.textContent("h1, h2").catch(() => "")).trim()}`);
    }
    await page.context().close();
    console.log(`${name}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  }

  async goto(page, step, path) {
    await page.goto(`${step.public ? this.told.public : this.told.url}${path}`);
  }

  async judge(page, name, language, step) {
    const [lang, dir] = await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]);
    check(lang === language && dir === (language === "ar" ? "rtl" : "ltr"), `${name}: is ${lang} ${dir}`);
    if (step.until) await page.waitForSelector(step.until);
    await page.waitForLoadState("networkidle", { timeout: 3_000 }).catch(() => {}); // a page that follows a send is never idle
    await this.picture(page, step, language, step.paper ? PAPER : DESK, "desk");
    if (step.phone) await this.picture(page, step, language, HAND, "phone");
    await page.setViewportSize(DESK);
    if (!GLANCE) await this.focus(page, name);
    await page.evaluate(open);
    if (!GLANCE) await axe(page, `${name} at ${DESK.width}`);
    if (language === "ar" && !step.public && !step.residents) { // public pages hold the alerts' own words; tests/notify judges their catalogue
      const left = await page.evaluate(english, this.told.latin);
      check(left.length === 0, `${name}: English: ${left.join(" | ")}`);
    }
    await this.width(page, name, ZOOMED);
    await page.setViewportSize(PHONE);
    await this.width(page, name, PHONE);
    if (!GLANCE) await axe(page, `${name} at ${PHONE.width}`);
  }

  async width(page, name, size) {
    await page.setViewportSize(size);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= size.width, `${name}: ${wide} px wide on ${size.width}`);
    const cut = await page.evaluate(hidden);
    check(cut.length === 0, `${name}: cut off at ${size.width}: ${cut.join(" | ")}`);
  }

  // Goes through the page by Tab: whatever has the focus shows it.
  async focus(page, name) {
    const dim = new Set();
    for (let presses = 0; presses < MOST_TABS; presses += 1) {
      await page.keyboard.press("Tab");
      const found = await page.evaluate(() => {
        const one = document.activeElement;
        if (!one || one === document.body) return "end";
        const style = getComputedStyle(one);
        const shown = (style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none";
        return shown ? "" : one.outerHTML.slice(0, 120);
      });
      if (found === "end") break;
      if (found) dim.add(found);
    }
    check(dim.size === 0, `${name}: no visible focus: ${[...dim].join(" | ")}`);
    await page.evaluate(() => { document.activeElement?.blur(); scrollTo(0, 0); });
  }

  async picture(page, step, language, size, kind) {
    if (!PICTURES || step.picture === false) return;
    await page.setViewportSize(size);
    const { width, height } = await page.evaluate(() => ({ width: innerWidth, height: document.documentElement.scrollHeight }));
    await page.setViewportSize({ width, height: Math.min(height, TALLEST) }); // what sticks to the window's edge stands at the page's
    const tools = await page.context().newCDPSession(page);
    const clip = { x: 0, y: 0, width, height: Math.min(height, TALLEST), scale: 1 };
    const { data } = await tools.send("Page.captureScreenshot", { format: "webp", quality: 55, captureBeyondViewport: true, clip });
    const file = `${step.name}${kind === "phone" ? "-phone" : ""}-${language}.webp`;
    writeFileSync(`${PICTURES}/${file}`, Buffer.from(data, "base64"));
    if (language === "en") this.pictures.push({ title: `${step.title}${kind === "phone" ? ", on a phone" : ""}`, file, what: step.group });
  }

  index() {
    const lines = ["# Every page, in English and Arabic", "",
      "Made by `./dev screens` from a training instance of the sample city with made-up people. The same walk judges each page with",
      "axe, at 1280 px, at 200 % zoom and at 320 px, and fails when the router has a page that it did not open.", ""];
    for (const group of [...new Set(this.pictures.map((one) => one.what))]) {
      lines.push(`## ${group}`, "", "| page | English | العربية |", "|---|---|---|");
      for (const one of this.pictures.filter((each) => each.what === group)) {
        lines.push(`| ${one.title} | [picture](${one.file}) | [صورة](${one.file.replace("-en.webp", "-ar.webp")}) |`);
      }
      lines.push("");
    }
    lines.push("## A surge, and every language", "", "Made by `./dev screens` and `./dev languages` beside the walk: `desk311.mjs`, `tongues.mjs`.", "", "| picture | English | العربية |", "|---|---|---|");
    for (const [title, name] of BESIDE) lines.push(`| ${title} | [picture](${name}-en.webp) | [صورة](${name}-ar.webp) |`);
    lines.push("", "| hazard, twelve languages | phone | paper |", "|---|---|---|");
    for (const name of ["boil-water", "leave-now", "smoke"]) lines.push(`| ${name} | [picture](languages-${name}-phone.webp) | [picture](languages-${name}-paper.webp) |`);
    writeFileSync(`${PICTURES}/README.md`, `${lines.join("\n")}\n`);
  }
}

await run("tests.browser.everything", async (browser, said, tell) => {
  const told = JSON.parse(said);
  const ask = async (wish, what = "") => JSON.parse(await tell(`${wish}: ${what}`));
  if (PICTURES) mkdirSync(PICTURES, { recursive: true });
  const walk = new Walk(browser, told, ask);
  for (const step of STEPS.filter((one) => one.before || ONLY.test(one.name))) {
    if (step.before) Object.assign(told.alerts, await step.before({ told, ask }));
    if (!ONLY.test(step.name)) continue;
    for (const language of ["en", "ar"]) await walk.step(step, language);
  }
  if (process.argv[4] || GLANCE) return;
  const missed = await ask("missed");
  check(missed.length === 0, `nobody opened ${missed.join(", ")}`);
  if (PICTURES) walk.index();
}, LONGEST_MS);
