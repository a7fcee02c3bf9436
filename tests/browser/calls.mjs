// The simulator's telephones as a visitor calls with them: by keyboard, in two directions of writing, on a narrow screen.
import { axe, check, run } from "./judge.mjs";

const SCREENS = process.argv[2];
const PATIENCE_MS = 30_000;
let shots = 0;

async function see(page, name) {
  shots += 1;
  const width = page.viewportSize().width;
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  check(wide <= width, `calls/${name}: ${wide} px wide on ${width}`);
  await page.screenshot({ path: `${SCREENS}/calls-${String(shots).padStart(2, "0")}-${name}.png`, fullPage: true });
  await axe(page, `calls/${name}`);
}

function phone(page, number) {
  return page.locator(".phone").filter({ hasText: `555-0${number}` });
}

async function heard(root, pattern, kind = "p") {
  await root.locator(`.heard ${kind}`).filter({ hasText: pattern }).first().waitFor({ timeout: PATIENCE_MS });
}

async function opened(page, number) {
  const root = phone(page, number);
  await root.waitFor();
  await root.locator(".voice summary").focus();
  await page.keyboard.press("Enter");
  return root;
}

// The whole call without a mouse: summary, call, digit from the keyboard, hang up; the focus is never lost.
async function byKeyboard(page) {
  const root = await opened(page, 101);
  await page.keyboard.press("Tab");
  check(await page.evaluate(() => document.activeElement.matches(".dial")), "calls: Tab does not reach the call button");
  await page.keyboard.press("Enter");
  await heard(root, /Calling \(503\) 555-0311/, ".event");
  await heard(root, /For English press 1/, ".said");
  check(await page.evaluate(() => document.activeElement.matches(".key")), "calls: the focus is lost when the call begins");
  await page.keyboard.press("1");
  await heard(root, /^1$/, ".pressed");
  await heard(root, /Boil tap water/, ".said");
  await see(page, "on-a-call");
  await root.locator(".hang-up").focus();
  await page.keyboard.press("Enter");
  await heard(root, /Call ended: hung up/, ".event");
  check(await page.evaluate(() => document.activeElement.matches(".dial")), "calls: the focus is lost when the call ends");
}

async function rightToLeft(page) {
  const root = await opened(page, 102);
  await root.locator(".dial").click();
  await heard(root, /اضغط 9/, ".said");
  await root.locator(".key", { hasText: "9" }).click();
  await heard(root, /اغلوا ماء/, ".said");
  const said = root.locator(".said").last();
  const look = await said.evaluate((one) => [getComputedStyle(one).direction, one.lang]);
  check(look.join() === "rtl,ar-XA", `calls: Arabic is shown ${look}`);
  check(await root.locator(".keypad").evaluate((one) => getComputedStyle(one).direction) === "ltr", "calls: the keypad is mirrored");
}

async function calledBack(page, tell) {
  const root = phone(page, 101);
  await root.locator(".voice").evaluate((one) => { one.open = false; });
  await tell("call back");
  await root.locator(".pick-up").waitFor({ state: "visible", timeout: PATIENCE_MS });
  check(/rings/.test(await root.locator(".standing").textContent()), "calls: nobody is told that it rings");
  await see(page, "rings");
  await root.locator(".pick-up").press("Enter");
  await heard(root, /calling you back/, ".said");
  await page.reload();
  await heard(phone(page, 101), /calling you back/, ".said");
  await tell("call back");
  await phone(page, 101).locator(".hang-up").waitFor({ state: "attached" });
}

async function narrow(browser, url) {
  const page = await (await browser.newContext({ viewport: { width: 320, height: 640 }, reducedMotion: "reduce" })).newPage();
  await page.goto(url);
  const root = await opened(page, 102);
  await heard(root, /اغلوا ماء/, ".said");
  await page.locator("#projector").click();
  const low = await page.evaluate(() => [...document.querySelectorAll(".voice button")]
    .filter((one) => one.offsetParent && Math.min(one.offsetHeight, one.offsetWidth) < 24).map((one) => one.outerHTML));
  check(low.length === 0, `calls/narrow: too small to hit: ${low}`);
  await see(page, "narrow");
}

await run("tests.browser.calls", async (browser, url, tell) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.on("pageerror", (error) => check(false, `calls: ${error}`));
  page.on("console", (line) => check(!/Content Security Policy/.test(line.text()), `calls: ${line.text()}`));
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(url);
  await byKeyboard(page);
  await rightToLeft(page);
  await calledBack(page, tell);
  await narrow(browser, url);
});
