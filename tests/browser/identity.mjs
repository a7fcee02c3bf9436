// Signing in through an identity provider of another site, in a real browser: what holds forms and cookies to our own pages must let
// whoever belongs in through, and nobody else.
import { axe, check, failures, run } from "./judge.mjs";

const SCREENS = process.argv[2];
const EXPECTED = /status of (401|403|422|503)/;

async function seat(browser, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 320, height: 740 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" && !EXPECTED.test(message.text())) failures.push(`${name}: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => failures.push(`${name}: ${error}`));
  return page;
}

async function see(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  check(wide <= 320, `identity/${name}: ${wide} px wide on 320`);
  await page.screenshot({ path: `${SCREENS}/identity-${name}.png`, fullPage: true });
  await axe(page, `identity/${name}`);
}

const at = (page, place, path) => page.waitForURL((url) => url.origin === place.url && url.pathname === path);
const there = (page, place) => page.waitForURL((url) => url.origin === place.provider && url.pathname === "/authorize");

async function signIn(page, place, subject) {
  await there(page, place);
  await page.fill("#subject", subject);
  await page.click("#go");
}

await run("tests.browser.identity", async (browser, told, tell) => {
  const place = JSON.parse(told);
  const approver = await seat(browser, "approver");
  const decide = `/alerts/${place.alert}/approval`;
  await approver.goto(place.url + decide);
  await at(approver, place, "/sign-in");
  await see(approver, "door");
  await approver.click("form[action='/sign-in/identity'] button");
  await signIn(approver, place, "s-approver");
  await at(approver, place, decide);
  check(await approver.locator("#code").count() === 0, "whoever has just typed their password there need not show it again");
  await see(approver, "decide");
  await approver.goto(place.url + "/");
  await approver.click("form[action='/sign-out'] button");
  await at(approver, place, "/sign-in");
  await approver.goto(place.url + "/");
  await at(approver, place, "/sign-in");
  await approver.click("form[action='/sign-in/identity'] button");
  await there(approver, place);
  check(await approver.locator("#subject").count() === 1, "signing out here has signed out there, too");
  await signIn(approver, place, "s-stranger");
  await approver.waitForSelector("#problems");
  check((await approver.locator("#problems").innerText()).includes("s-stranger"), "a stranger is told what to give to an administrator");
  await see(approver, "stranger");
  await tell("down");
  const plain = await seat(browser, "plain", { javaScriptEnabled: false });
  await plain.goto(place.url + "/sign-in");
  await plain.click("form[action='/sign-in/identity'] button");
  await plain.waitForSelector("#problems");
  check(await plain.locator("#password").isVisible(), "when it is down the door says so, and password and code are there");
  await tell("up");
  await plain.click("form[action='/sign-in/identity'] button");
  await at(plain, place, "/");
  check((await plain.locator(".who").innerText()).length > 0, "without scripts the pages lead on as well");
});
