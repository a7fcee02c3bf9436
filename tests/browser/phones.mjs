// The simulator's phones as a visitor plays with them, before the real service: sign-up, an alert, faults, a stop, a lost line.
import { axe, check, run } from "./judge.mjs";

const SCREENS = process.argv[2];
const PATIENCE_MS = 30_000;

class Screen {
  constructor(page) {
    Object.assign(this, { page, shots: 0 });
  }

  phone(number) {
    return new Handset(this.page, this.page.locator(".phone").filter({ hasText: `555-0${number}` }));
  }

  async see(name) {
    this.shots += 1;
    const width = this.page.viewportSize().width;
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= width, `phones/${name}: ${wide} px wide on ${width}`);
    await this.page.screenshot({ path: `${SCREENS}/phones-${String(this.shots).padStart(2, "0")}-${name}.png`, fullPage: true });
    await axe(this.page, `phones/${name}`);
  }
}

class Handset {
  constructor(page, root) {
    Object.assign(this, { page, root });
  }

  // Types a text and sends it with Enter.
  async write(text) {
    await this.root.locator(".body").focus();
    await this.page.keyboard.type(text);
    await this.page.keyboard.press("Enter");
  }

  async shows(pattern, kind = ".in") {
    await this.root.locator(`.bubble${kind}`).filter({ hasText: pattern }).first().waitFor({ timeout: PATIENCE_MS });
  }

  async count(kind) {
    return this.root.locator(`.bubble${kind}`).count();
  }

  async wire(pattern) {
    await this.root.locator(".hop").filter({ hasText: pattern }).first().waitFor({ state: "attached", timeout: PATIENCE_MS });
  }

  async set(name, value) {
    if (!await this.root.locator(`[name=${name}]`).isVisible()) await this.root.locator(".setup summary").click();
    await this.root.locator(`[name=${name}]`).selectOption(value);
  }
}

async function signUp(screen) {
  const spanish = screen.phone(101);
  await spanish.write("hola 97206");
  await spanish.shows(/listo|97206/i);
  await spanish.shows(/hola 97206/, ".out");
  check(await spanish.count(".unasked") === 0, "phones: an answer looks like an alert");
  await screen.phone(102).root.locator(".chip").first().click();
  await screen.phone(102).shows(/97230/);
  check(await screen.phone(102).root.locator(".bubble.in .words").first().getAttribute("dir") === "auto", "phones: a text finds its direction");
  await screen.phone(103).write("привет 97236");
  await screen.phone(103).shows(/□□□/);
  await screen.see("signed-up");
}

async function alert(screen, tell) {
  await screen.phone(103).set("line", "drop");
  await screen.phone(103).root.locator(".tag").filter({ hasText: "no coverage" }).waitFor();
  await tell("alert");
  await screen.phone(101).shows(/HIERVA/i, ".unasked");
  await screen.phone(101).wire(/GSM-7.*part.*delivered after/);
  await screen.phone(103).shows(/Did not arrive: switched off or out of coverage \(30003\)/, ".lost");
  await screen.phone(103).wire(/undelivered.*30003/);
  await screen.phone(102).shows(/alerts\.example\.gov|\p{Script=Arabic}/u, ".unasked");
  check(await screen.phone(102).count(".unasked") >= 2, "phones: the parts of a long text come apart on the old handset");
  await screen.phone(101).root.locator(".wire summary").click();
  await screen.see("alert");
}

// What was typed and what was shown are there after a power cut; a text that came meanwhile comes once.
async function lostLine(screen, tell) {
  const spanish = screen.phone(101);
  const before = await spanish.count("");
  await spanish.root.locator(".body").fill("agua");
  await tell("restart");
  await screen.page.locator("#connection[data-on=no]").waitFor({ state: "attached", timeout: PATIENCE_MS }).catch(() => {});
  await screen.page.locator("#connection[data-on=yes]").waitFor({ state: "attached", timeout: PATIENCE_MS });
  check(await spanish.root.locator(".body").inputValue() === "agua", "phones: what was typed is lost with the line");
  await spanish.root.locator(".body").press("Enter");
  await spanish.shows(/^agua/, ".out");
  await screen.page.waitForFunction(
    ([wanted]) => document.querySelector(".phone").querySelectorAll(".bubble").length >= wanted, [before + 2], { timeout: PATIENCE_MS },
  );
  check(await spanish.count("") === before + 2, `phones: after the restart ${await spanish.count("")} bubbles, not ${before + 2}`);
  await screen.page.reload();
  await spanish.shows(/^agua/, ".out");
  await screen.page.waitForFunction(
    ([wanted]) => document.querySelector(".phone").querySelectorAll(".bubble").length >= wanted, [before + 2], { timeout: PATIENCE_MS },
  );
  check(await spanish.count("") === before + 2, "phones: a page loaded anew shows something else");
}

async function transcript(screen) {
  const { root } = screen.phone(101);
  await root.locator(".setup summary").click();
  await root.locator(".written").click();
  await screen.page.locator("#transcript[open]").waitFor(); // it is fetched first
  const yaml = await screen.page.locator("#yaml").inputValue();
  check(/in: hola 97206, out: \[M02\.es, M03\.es\]/.test(yaml), `phones: the transcript is ${yaml}`);
  check(/# an alert came here/.test(yaml), "phones: the transcript tells of the alert");
  await screen.see("transcript");
  await screen.page.keyboard.press("Escape");
  check(await screen.page.evaluate(() => document.activeElement.matches(".written")), "phones: the focus is lost after the transcript");
}

async function stop(screen) {
  const spanish = screen.phone(101);
  await spanish.write("STOP");
  await spanish.shows(/You are unsubscribed/); // the carrier's own word: the city says nothing after it
  const answered = screen.page.waitForResponse((reply) => reply.url().endsWith("/text"));
  await spanish.write("agua");
  check((await (await answered).json()).replies.length === 0, "phones: a stopped phone is answered");
  check(await spanish.root.locator(".bubble.in").last().textContent().then((text) => /You are unsubscribed/.test(text)),
    "phones: something arrived after STOP");
  await spanish.set("line", "landline");
  await spanish.root.locator(".send:disabled").waitFor();
  await spanish.set("line", "reassigned");
  await spanish.root.locator(".divider").waitFor();
  check(await spanish.count("") === 0, "phones: a new owner sees the texts of the one before");
}

// A phone comes and goes by keyboard alone, and reading aloud is off until asked for.
async function keyboard(screen) {
  const { page } = screen;
  await page.locator("#add").focus();
  await page.keyboard.press("Enter");
  await page.locator("#adding[open]").waitFor();
  await screen.see("adding");
  await page.locator("#adding [name=place]").focus();
  await page.keyboard.type("97202");
  await page.keyboard.press("Enter");
  const added = screen.phone(104);
  await added.root.waitFor();
  check(await added.root.locator(".screen").getAttribute("aria-live") === "off", "phones: a phone is read aloud unasked");
  for (const wanted of [".screen", ".chip", ".body", ".send", ".wire summary", ".setup summary", "[name=language]", ".aloud"]) {
    await reach(screen, added.root.locator(wanted).first(), wanted);
    if (wanted.endsWith("summary")) await page.keyboard.press("Enter");
  }
  await page.keyboard.press("Enter");
  check(await added.root.locator(".screen").getAttribute("aria-live") === "polite", "phones: reading aloud cannot be switched on");
  await reach(screen, added.root.locator(".remove"), ".remove");
  await page.keyboard.press("Enter");
  await added.root.waitFor({ state: "detached" });
}

async function reach(screen, target, what) {
  for (let presses = 0; presses < 120; presses += 1) {
    if (await target.evaluate((one) => one === document.activeElement)) {
      check(await target.evaluate((one) => getComputedStyle(one).outlineStyle) !== "none", `phones: ${what} does not show its focus`);
      return;
    }
    await screen.page.keyboard.press("Tab");
  }
  throw new Error(`phones: ${what} cannot be reached by keyboard`);
}

async function small(browser, url) {
  for (const [name, options] of [
    ["narrow", { viewport: { width: 320, height: 640 } }],
    ["dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
  ]) {
    const page = await (await browser.newContext({ ...options, reducedMotion: "reduce" })).newPage();
    await page.goto(url);
    await page.locator(".bubble").first().waitFor();
    await page.locator(".setup summary").last().click();
    if (name === "narrow") await page.locator("#projector").click();
    const low = await page.evaluate(() => [...document.querySelectorAll("button, input, select, summary")]
      .filter((one) => one.offsetParent && Math.min(one.offsetHeight, one.offsetWidth) < 24).map((one) => one.outerHTML));
    check(low.length === 0, `phones/${name}: too small to hit: ${low}`);
    await new Screen(page).see(name);
  }
}

await run("tests.browser.phones", async (browser, url, tell) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.on("pageerror", (error) => check(false, `phones: ${error}`));
  page.on("console", (line) => check(!/Content Security Policy/.test(line.text()), `phones: ${line.text()}`));
  page.setDefaultTimeout(PATIENCE_MS);
  const screen = new Screen(page);
  await page.goto(url);
  await screen.phone(101).root.waitFor();
  await screen.see("empty");
  await signUp(screen);
  await alert(screen, tell);
  await lostLine(screen, tell);
  await transcript(screen);
  await small(browser, url);
  await stop(screen);
  await keyboard(screen);
});
