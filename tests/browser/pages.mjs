// A resident reads the alert on a small phone, asks about a place, and prints the page; in three languages, scripts off.
import { writeFileSync } from "node:fs";
import { axe, check, run } from "./judge.mjs";

const SCREENS = process.argv[2];
const WIDTH = 360;
const NARROW = 320;
const HEAVIEST = 30_000; // bytes on the wire

class Reader {
  constructor(page, home, incident, language) {
    Object.assign(this, { page, home, language, at: `${language === "en" ? "" : `/${language}`}/a/${incident}` });
  }

  async open(path = this.at) {
    await this.page.goto(this.home + path);
  }

  async scripts(on) {
    this.tools ??= await this.page.context().newCDPSession(this.page);
    await this.tools.send("Emulation.setScriptExecutionDisabled", { value: !on });
  }

  async see(name) {
    const { page, language } = this;
    await page.screenshot({ path: `${SCREENS}/pages-${language}-${name}.png`, fullPage: true });
    for (const width of [NARROW, WIDTH]) {
      await page.setViewportSize({ width, height: 640 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      check(wide <= width, `${language}/${name}: ${wide} px wide at ${width}`);
    }
    const small = await page.evaluate(() => [...document.querySelectorAll("button, input, nav a, main ul a")]
      .filter((one) => Math.min(one.getBoundingClientRect().height, one.getBoundingClientRect().width) < 24).map((one) => one.outerHTML));
    check(small.length === 0, `${language}/${name}: too small to hit: ${small}`);
    const [lang, dir] = await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]);
    check(lang === language && dir === (language === "ar" ? "rtl" : "ltr"), `${language}/${name}: is ${lang} ${dir}`);
    await this.scripts(true); // axe needs timers; the page itself has no script to run
    await axe(page, `${language}/${name}`);
    await this.scripts(false);
  }

  async ask(place, verdict) {
    const { page, language } = this;
    await this.open();
    for (let presses = 0; presses < 40 && !(await page.evaluate(() => document.activeElement?.id === "place")); presses += 1) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.type(place);
    await Promise.all([page.waitForEvent("framenavigated"), page.keyboard.press("Enter")]);
    await page.waitForLoadState("load");
    check(await page.locator(`.verdict.${verdict}`).count() === 1, `${language}: ${place} is not ${verdict}`);
    check(await page.evaluate(() => document.activeElement?.className.startsWith("verdict")), `${language}: the answer has no focus`);
    check(!page.url().includes(encodeURIComponent(place)), `${language}: what was typed stands in the address`);
  }

  async print() {
    const { page, language } = this;
    await this.open();
    const pdf = await page.pdf({ preferCSSPageSize: true });
    writeFileSync(`${SCREENS}/pages-${language}.pdf`, pdf);
    const sheets = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
    check(sheets === 1, `${language}: paper has ${sheets} pages`);
    await page.emulateMedia({ media: "print" });
    check(await page.locator(".square svg").isVisible(), `${language}: paper has no square to scan`);
    await page.emulateMedia({ media: "screen" });
  }
}

await run("tests.browser.pages", async (browser, told) => {
  const [home, incident] = told.split(" ");
  for (const language of ["en", "ar", "vi"]) {
    const context = await browser.newContext({ viewport: { width: WIDTH, height: 640 } });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const reader = new Reader(page, home, incident, language);
    await reader.scripts(false);
    const answer = await fetch(home + reader.at, { headers: { "Accept-Encoding": "gzip" } });
    check(Number(answer.headers.get("content-length")) <= HEAVIEST, `${language}: the page has ${answer.headers.get("content-length")} bytes`);
    await reader.open();
    await reader.see("alert");
    await reader.ask("97266", "part");
    await reader.see("part");
    await reader.ask("1120 SW 5th Ave", "outside");
    await reader.see("outside");
    await reader.ask("Lents", "inside");
    await reader.see("inside");
    await reader.ask("nowhere street", "unknown");
    await reader.see("unknown");
    await reader.print();
    for (const name of ["", "archive", "status", "real"]) {
      await reader.open(`${language === "en" ? "" : `/${language}`}/${name}`);
      await reader.see(name || "list");
    }
    await context.close();
  }
});
