// The 311 desk at a browser: looked at wide, on a phone and in Arabic; worked by keys alone; and kept working while the service,
// and then its database, is away.
import { writeFileSync } from "node:fs";
import { axe, check, failures, run } from "./judge.mjs";

const SCREENS = process.argv[2];
const PICTURES = process.argv[3] ?? "";
const WALL = { width: 1920, height: 1080 };
const PHONES = [{ width: 360, height: 800 }, { width: 320, height: 640 }];
const PAGES = [
  ["desk", "/desk311", "agent311"], ["kept", "/desk311/script", "agent311"], ["start", "/desk311/start?screen=2", "agent311"],
  ["needs", "/needs", "agent311"], ["map", "/needs/map", "viewer"], ["questions", "/questions?q=shower", "lead311"],
  ["agents", "/agents311", "lead311"], ["wallboard", "/wallboard", "viewer"],
];

async function person(browser, told, who, { language = "en", viewport = WALL, scripts = true } = {}) {
  const context = await browser.newContext({ viewport, reducedMotion: "reduce", javaScriptEnabled: scripts });
  await context.addCookies([{ name: "tocsin", value: told.sessions[who], url: told.url }, { name: "language", value: language, url: told.url }]);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", (error) => failures.push(`${who} ${page.url()}: ${error}`));
  return page;
}

async function look(browser, told) {
  for (const [name, path, who] of PAGES) {
    for (const language of ["en", "ar"]) {
      for (const viewport of [WALL, ...PHONES]) {
        const page = await person(browser, told, who, { language, viewport });
        await page.goto(told.url + path);
        if (name === "map") await page.waitForSelector(".leaflet-interactive", { state: "attached" });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        check(wide <= viewport.width, `${name} ${language}: ${wide} px wide on ${viewport.width}`);
        if (viewport !== PHONES[1]) await page.screenshot({ path: `${SCREENS}/desk311-${name}-${language}-${viewport.width}.png`, fullPage: name !== "wallboard" });
        if (viewport !== PHONES[0]) await axe(page, `${name} ${language} ${viewport.width}`);
        await page.context().close();
      }
    }
  }
}

// Read at five metres: no letter below 32 px, figures from 72 px, on a screen of 1920 by 1080.
async function wall(browser, told) {
  const page = await person(browser, told, "viewer");
  await page.goto(`${told.url}/wallboard`);
  const [type, figure, tall] = await page.evaluate(() => {
    const size = (one) => Number.parseFloat(getComputedStyle(one).fontSize);
    const texts = [...document.querySelectorAll("#board *")].filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
    return [Math.min(...texts.map(size)), Math.min(...[...document.querySelectorAll("#board .figure")].map(size)), document.documentElement.scrollHeight];
  });
  check(type >= 32, `the wallboard's smallest type has ${type} px`);
  check(figure >= 72, `the wallboard's smallest figure has ${figure} px`);
  console.log(`wallboard: type ${type} px, figures ${figure} px, ${tall} px high`);
  await page.context().close();
}

async function byKeys(browser, told) {
  const page = await person(browser, told, "agent311", { viewport: { width: 1280, height: 900 } });
  await page.goto(`${told.url}/desk311`);
  const count = async () => Number((await page.textContent("#pressed")).match(/[\d,]+/)[0].replace(",", ""));
  const before = await count();
  await page.keyboard.press("2");
  await page.waitForFunction((was) => Number(document.getElementById("pressed").textContent.match(/[\d,]+/)[0]) === was + 1, before);
  await page.keyboard.press("/");
  await page.keyboard.type("1120 SW 5th Ave");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#verdict .verdict");
  check((await page.inputValue("#tally-zip")) === "97204", "the ZIP of the address stands in the tally");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("l");
  check(await page.evaluate(() => document.activeElement.id === "language"), "L leads to the language");
  await page.focus("a[data-choice=no]");
  await page.keyboard.press("Enter");
  check(await page.isVisible("#s-where-are-you") && !(await page.isVisible("#s-emergency-first")), "an answer opens the next step alone");
  check((await page.inputValue("#run [name=path]")) === '[["emergency-first","no"]]', "the walk is kept");
  await page.context().close();
}

async function withoutScripts(browser, told) {
  const page = await person(browser, told, "agent311", { scripts: false });
  await page.goto(`${told.url}/desk311`);
  await page.click(".step:first-child a[data-choice=no]");
  check(await page.isVisible("#s-where-are-you"), "without scripts an answer opens the next step");
  await page.click("#tally button >> nth=2");
  check((await page.textContent("#pressed")).includes("Somebody is ill"), "without scripts a press counts");
  await page.fill("#address", "1120 SW 5th Ave");
  await page.click("form[action='/desk311/verdict'] button");
  check(await page.isVisible("#verdict .verdict"), "without scripts an address gets its verdict");
  await page.context().close();
}

// The script is there while the service, or its database, is away for longer than a minute; presses come in afterwards.
async function away(browser, told, ask, how) {
  const page = await person(browser, told, "agent311", { viewport: { width: 1280, height: 900 } });
  await page.goto(`${told.url}/desk311`);
  await page.waitForFunction(() => document.documentElement.dataset.kept === "asked");
  await page.waitForFunction(async () => Boolean(await (await caches.open("desk311")).match("/desk311/script")));
  const counted = async () => Number((await page.textContent("#pressed")).match(/[\d,]+/)[0].replace(",", ""));
  const before = await counted();
  await ask(how);
  await page.click("a[data-choice=no]");
  check(await page.isVisible("#s-where-are-you"), `${how}: the open page goes on through the script`);
  await page.keyboard.press("4");
  await page.waitForSelector("#away:not([hidden])");
  check((await page.textContent("#kept-presses")).includes("1"), `${how}: a press is kept`);
  await page.goto(`${told.url}/desk311`);
  check((await page.textContent("h1")).includes("Boil tap water"), `${how}: loaded anew, the kept script is there`);
  await page.click("a[data-choice=yes]");
  check(await page.isVisible("#s-to-the-emergency-centre"), `${how}: and leads to the emergency centre`);
  await page.waitForSelector("#away:not([hidden])");
  await page.screenshot({ path: `${SCREENS}/desk311-${how}.png`, fullPage: true });
  await ask("back");
  await page.goto(`${told.url}/desk311`);
  await page.waitForFunction(() => JSON.parse(localStorage.getItem("desk311-presses") ?? "[]").length === 0);
  await page.reload();
  check((await counted()) === before + 1, `${how}: the press was counted, once`);
  await page.context().close();
}

// The desk with a caller on the line after a fact has changed, 911 brought in, and the wallboard while twelve languages wait.
async function surge(browser, told) {
  const DESK = { width: 1280, height: 900 };
  const looks = [
    ["desk311-call", "/desk311", "agent311", DESK], ["desk311-centre", "/desk311", "agent311", DESK],
    ["desk311-centre-phone", "/desk311", "agent311", PHONES[0]], ["wallboard-surge", "/wallboard", "viewer", WALL],
  ];
  for (const [name, path, who, viewport, language] of looks.flatMap((look) => [[...look, "en"], [...look, "ar"]])) {
    const page = await person(browser, told, who, { language, viewport });
    await page.clock.setFixedTime(told.now); // or the wallboard would count from the service's own time to today's
    await page.goto(told.url + path);
    if (name === "desk311-call") check(await page.isVisible("form.changed"), `${name} ${language}: what changed stands above the script`);
    const button = page.locator("form[action='/desk311/centre'] button");
    if (name === "desk311-call") check(await button.isVisible(), "911 can be brought into a call");
    if (name === "desk311-centre" && language === "en") await Promise.all([page.waitForNavigation(), button.click()]);
    if (name.startsWith("desk311-centre")) check((await page.textContent("body")).includes("+15035550143"), `${name} ${language}: the number to read out`);
    await page.waitForLoadState("networkidle", { timeout: 3_000 }).catch(() => {});
    const [wide, cut] = await page.evaluate(() => [document.documentElement.scrollWidth,
      [...document.querySelectorAll("#board *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1).map((one) => one.textContent.trim())]);
    check(wide <= viewport.width && cut.length === 0, `${name} ${language}: ${wide} px wide on ${viewport.width}: ${cut}`);
    await axe(page, `${name} ${language}`);
    if (PICTURES) {
      const height = Math.min(2_400, await page.evaluate(() => document.documentElement.scrollHeight));
      const tools = await page.context().newCDPSession(page);
      const clip = { x: 0, y: 0, width: viewport.width, height, scale: 1 };
      const { data } = await tools.send("Page.captureScreenshot", { format: "webp", quality: 55, captureBeyondViewport: true, clip });
      writeFileSync(`${PICTURES}/${name}-${language}.webp`, Buffer.from(data, "base64"));
    }
    await page.context().close();
  }
}

await run("tests.browser.desk311", async (browser, line, ask) => {
  const told = JSON.parse(line);
  await look(browser, told);
  await wall(browser, told);
  await byKeys(browser, told);
  await withoutScripts(browser, told);
  await away(browser, told, ask, "away");
  await away(browser, told, ask, "database");
  await ask("changed");
  const page = await person(browser, told, "agent311");
  await page.goto(`${told.url}/desk311`);
  check(await page.isVisible("form.changed:has-text('CHANGED')"), "what changed stands above the script");
  await page.screenshot({ path: `${SCREENS}/desk311-changed.png` });
  await ask("busy");
  await surge(browser, told);
  await page.click("form.changed:has-text('CHANGED') button");
  check(!(await page.isVisible("form.changed:has-text('CHANGED')")), "until it is ticked as read");
}, 900_000);
