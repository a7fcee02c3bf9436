// The public pages of three hazards in every language there is: on a phone of 360 px and on paper, judged one by one and laid side
// by side on one contact sheet each, to be looked at by somebody who reads the language.
import { mkdirSync, writeFileSync } from "node:fs";
import { axe, check, run } from "./judge.mjs";

const SCREENS = process.argv[2];
const PICTURES = process.argv[3] || SCREENS;
const HAZARDS = ["boil-water", "leave-now", "smoke"];
const PHONE = { width: 360, height: 740 };
const PAPER = { width: 725, height: 988 }; // a letter sheet less the margins of page.css, at 96 dots an inch
const TALLEST = 1_500; // of a phone's page on a sheet; the rest of it is below
const ACROSS = 6;
const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
const LONGEST_MS = 1_200_000;

// Letters that this machine draws as an empty box: they look like one that no font can have. The judgement is about the fonts
// here; a resident's phone brings its own.
function boxes() {
  const drawn = (letter, font) => {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: 48, height: 48 });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.font = font;
    pen.fillText(letter, 8, 34);
    return pen.getImageData(0, 0, 48, 48).data.join();
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const missing = new Set();
  const seen = new Set();
  while (walk.nextNode()) {
    const font = `28px ${getComputedStyle(walk.currentNode.parentElement).fontFamily}`;
    for (const letter of walk.currentNode.data) {
      if (letter < "\u0100" || /[\p{M}\p{C}\p{Z}]/u.test(letter) || seen.has(letter + font)) continue;
      seen.add(letter + font);
      if (drawn(letter, font) === drawn("\u{10fffd}", font)) missing.add(letter);
    }
  }
  return [...missing];
}

// Words whose language is not said, or is said to be another: a screen reader would spell them. Endonyms in the list of languages,
// names and numbers may be in any script.
function scripts(language) {
  const wanted = { ar: /\p{Script=Arabic}/u, ru: /\p{Script=Cyrillic}/u, uk: /\p{Script=Cyrillic}/u, ja: /[\p{Script=Hiragana}\p{Script=Katakana}]/u,
    lo: /\p{Script=Lao}/u, ko: /\p{Script=Hangul}/u, "zh-Hant": /\p{Script=Han}/u }[language];
  const titles = [...document.querySelectorAll("h1, h2, .lead")];
  const strange = titles.filter((one) => wanted && one.closest("[lang]").lang === language && !wanted.test(one.textContent));
  const sides = titles.filter((one) => getComputedStyle(one).direction !== document.documentElement.dir && one.closest("[lang]").lang === language);
  return [...strange, ...sides].map((one) => one.textContent.trim());
}

class Sheet {
  constructor(browser, hazard) {
    Object.assign(this, { browser, hazard, phones: [], papers: [] });
  }

  async add(page, url, language) {
    await page.emulateMedia({ media: "screen" });
    await page.setViewportSize(PHONE);
    await page.goto(url);
    const name = `${this.hazard} ${language}`;
    const [lang, dir] = await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]);
    check(lang === language && dir === (RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr"), `${name}: is ${lang} ${dir}`);
    for (const width of [320, PHONE.width]) {
      await page.setViewportSize({ ...PHONE, width });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      check(wide <= width, `${name}: ${wide} px wide on ${width}`);
    }
    const strange = await page.evaluate(scripts, language);
    check(strange.length === 0, `${name}: not in its script or on its side: ${strange.join(" | ")}`);
    const missing = await page.evaluate(boxes);
    check(missing.length === 0, `${name}: no font here has ${missing.join(" ")} (Debian: fonts-noto-core fonts-noto-cjk)`);
    await axe(page, name);
    const high = Math.min(TALLEST, await page.evaluate(() => document.documentElement.scrollHeight));
    this.phones.push({ language, picture: await page.screenshot({ clip: { x: 0, y: 0, width: PHONE.width, height: high }, fullPage: true }) });
    await this.print(page, name, language);
  }

  async print(page, name, language) {
    await page.emulateMedia({ media: "print" });
    const pdf = await page.pdf({ preferCSSPageSize: true });
    writeFileSync(`${SCREENS}/tongues-${this.hazard}-${language}.pdf`, pdf);
    const sheets = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
    check(sheets === 1, `${name}: paper has ${sheets} pages`);
    await page.setViewportSize(PAPER);
    check(await page.locator(".square svg").first().isVisible(), `${name}: paper has no square to scan`);
    this.papers.push({ language, picture: await page.screenshot({ clip: { x: 0, y: 0, ...PAPER }, fullPage: true }) });
  }

  // Twelve small pages side by side, named by their tags.
  async write(name, pictures, { width, height, edge }) {
    const page = await this.browser.newPage({ viewport: { width: ACROSS * (width + 12) + 12, height: 900 } });
    const shown = pictures.map((one) => `<figure><figcaption>${one.language}</figcaption><div><img src="data:image/png;base64,${one.picture.toString("base64")}"></div></figure>`);
    await page.setContent(`<style>body{margin:6px;background:#888;display:grid;grid-template-columns:repeat(${ACROSS},${width}px);gap:12px;font:700 16px sans-serif}
      figure{margin:0}div{box-sizing:border-box;height:${height}px;padding:${edge}px;overflow:hidden;background:#fff}img{display:block;width:100%}</style>${shown.join("")}`);
    const { width: wide, height: high } = await page.evaluate(() => ({ width: innerWidth, height: document.documentElement.scrollHeight }));
    const tools = await page.context().newCDPSession(page);
    const clip = { x: 0, y: 0, width: wide, height: high, scale: 1 };
    const { data } = await tools.send("Page.captureScreenshot", { format: "webp", quality: 45, captureBeyondViewport: true, clip });
    writeFileSync(`${PICTURES}/languages-${this.hazard}-${name}.webp`, Buffer.from(data, "base64"));
    await page.close();
  }
}

await run("tests.browser.tongues", async (browser, told) => {
  const [home, ...incidents] = told.split(" ");
  mkdirSync(PICTURES, { recursive: true });
  for (const [place, hazard] of HAZARDS.entries()) {
    const sheet = new Sheet(browser, hazard);
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    const first = `${home}/a/${incidents[place]}`;
    await page.goto(first);
    const languages = await page.$$eval(".languages [lang]", (links) => links.map((one) => one.lang));
    check(languages.length === 12, `${hazard}: ${languages.length} languages`);
    for (const language of languages) await sheet.add(page, language === "en" ? first : `${home}/${language}/a/${incidents[place]}`, language);
    await sheet.write("phone", sheet.phones, { width: 240, height: 1_000, edge: 0 });
    await sheet.write("paper", sheet.papers, { width: 320, height: 414, edge: 10 });
    await page.close();
  }
}, LONGEST_MS);
