// Sign-up, code, own page, mailed link and unsubscribing as somebody without a mouse does them. Ends with 1 when anything fails.
import { axe, check, run } from "./judge.mjs";

const SCREENS = process.argv[2];
const WIDTH = 320;

// One person at a keyboard, in one language.
class Person {
  constructor(page, home, language, phone) {
    Object.assign(this, { page, home, language, phone, shots: 0 });
  }

  async sent() {
    return (await fetch(`${this.home}/sent`)).json();
  }

  async open(path) {
    await this.page.goto(this.home + path);
  }

  // Presses Tab until the element has the focus. Whoever cannot get there cannot use the page.
  async reach(selector) {
    for (let presses = 0; presses < 60; presses += 1) {
      await this.page.keyboard.press("Tab");
      const found = await this.page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector);
      if (found) {
        const shown = await this.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        check(shown !== "none", `${this.language}: ${selector} does not show that it has the focus`);
        return;
      }
    }
    throw new Error(`${this.language}: ${selector} cannot be reached by keyboard on ${this.page.url()}`);
  }

  async type(selector, text) {
    await this.reach(selector);
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.type(text);
  }

  async press(selector) {
    await this.reach(selector);
    await Promise.all([this.page.waitForLoadState("load"), this.page.waitForEvent("framenavigated"), this.page.keyboard.press("Enter")]);
    await this.page.waitForLoadState("load");
  }

  async see(name) {
    this.shots += 1;
    await this.page.screenshot({ path: `${SCREENS}/${this.language}-${String(this.shots).padStart(2, "0")}-${name}.png`, fullPage: true });
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= WIDTH, `${this.language}/${name}: ${wide} px wide`);
    const small = await this.page.evaluate(() => [...document.querySelectorAll("button, input:not([type=hidden]), select, main a")]
      .map((one) => [one.textContent || one.name, one.closest("label") ?? one])
      .filter(([, one]) => Math.min(one.getBoundingClientRect().height, one.getBoundingClientRect().width) < 24)
      .map(([text]) => text));
    check(small.length === 0, `${this.language}/${name}: too small to hit: ${small}`);
    const html = await this.page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]);
    check(html[1] === (html[0] === "ar" ? "rtl" : "ltr"), `${this.language}/${name}: runs ${html[1]}`);
    await this.scripts(true); // axe needs timers; the page itself has no script to run
    await axe(this.page, `${this.language}/${name}`);
    await this.scripts(false);
    check(true, name);
  }

  async scripts(on) {
    this.tools ??= await this.page.context().newCDPSession(this.page);
    await this.tools.send("Emulation.setScriptExecutionDisabled", { value: !on });
  }

  async text(selector) {
    return (await this.page.textContent(selector)).trim();
  }
}

async function byPhone(person) {
  const { page, language } = person;
  await person.open(`/${language}/subscribe`);
  await person.see("form");
  await person.press("button");
  await person.see("faults");
  check(await page.evaluate(() => document.activeElement?.getAttribute("role")) === "alert", `${language}: faults have no focus`);
  check(await page.locator(".problem li").count() === 2, `${language}: two faults are named`);
  await person.press(".problem li a");
  check(page.url().endsWith("#contact"), `${language}: a fault leads to its field`);
  await person.type("#contact", person.phone);
  await person.type("#place", "1120 5th");
  await person.reach("#agree");
  await page.keyboard.press("Space");
  await person.press("form button");
  await person.see("which-place");
  check(await page.inputValue("#contact") === person.phone, `${language}: what was typed is lost`);
  check(await page.isChecked("#agree"), `${language}: the tick is lost`);
  await person.reach("input[name=choice]");
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await person.press("form button");
  await person.see("code");
  await person.type("#code", "000000");
  await person.press("form button");
  await person.see("wrong-code");
  const { texts } = await person.sent();
  await person.type("#code", texts.at(-1)[1].match(/\d{6}/)[0]);
  await person.press("form button");
  await person.see("signed-up");
  check((await person.text("main")).includes("1100 block NE 5th Ave"), `${language}: the place is named`);
}

async function ownPage(person) {
  const { page, language } = person;
  await person.press("main a");
  await person.see("manage");
  await person.type("#contact", person.phone);
  await person.press("form button");
  await person.type("#code", (await person.sent()).texts.at(-1)[1].match(/\d{6}/)[0]);
  await person.press("form button");
  await person.see("own-page");
  await person.type("#place", "Lents");
  await person.type("#label", "MOM");
  await person.press("form[action$='/add'] button");
  await person.see("added");
  check(await page.locator(".places li").count() === 2, `${language}: the place is added`);
  await person.press("form[action$='/remove'] button");
  check(await page.locator(".places li").count() === 1, `${language}: a place is removed`);
  await person.press("form[action$='/stop'] button");
  await person.see("stopped");
  await person.press("form[action$='/start'] button");
  await person.press("a[href$='/manage/erase']");
  await person.see("erase");
  await person.press("form button");
  await person.see("erased");
}

async function byMail(person) {
  const { page, language } = person;
  await person.open(`/${language}/subscribe`);
  await person.type("#contact", `resident-${language}@example.gov`);
  await person.reach("#agree");
  await page.keyboard.press("Space");
  await person.press("form button");
  await person.see("mailed");
  const link = new URL((await person.sent()).mails.at(-1).body.match(/^http\S+$/m)[0]);
  await person.open(link.pathname);
  await person.see("confirm");
  await person.press("form button");
  await person.see("confirmed");
  await person.open(link.pathname);
  await person.see("ended");
  await person.open(`/${language}/subscribe`);
  await person.type("#contact", `resident-${language}@example.gov`);
  await person.reach("#agree");
  await page.keyboard.press("Space");
  await person.press("form button");
  await person.open(`/unsubscribe/${(await person.sent()).mails.at(-1).unsubscribe}`);
  await person.see("unsubscribe");
  await person.press("form button");
  await person.see("unsubscribed");
}

await run("tests.browser.serve", async (browser, home) => {
  for (const [language, phone] of [["en", "503-555-0123"], ["ar", "971-555-0123"]]) {
    const context = await browser.newContext({ viewport: { width: WIDTH, height: 640 } });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const person = new Person(page, home, language, phone);
    await person.scripts(false);
    await byPhone(person);
    await ownPage(person);
    await byMail(person);
    await context.close();
  }
});
