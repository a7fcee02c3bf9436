// Passkeys in a real browser, by way of an authenticator that Chromium pretends to have: added, used to sign in and to approve,
// refused, removed; and the way without scripts. Three people, the approver on a phone 320 px wide.
import { codeAt } from "./codes.mjs";
import { axe, check, failures, run } from "./judge.mjs";

const SCREENS = process.argv[2];
const EXPECTED = /status of (401|403|422)/;

class Seat {
  constructor(context, page, name, place) {
    Object.assign(this, { context, page, name, place });
    page.on("console", (message) => {
      if (message.type() === "error" && !EXPECTED.test(message.text())) failures.push(`${name}: ${message.text()} ${message.location().url}`);
    });
    page.on("pageerror", (error) => failures.push(`${name}: ${error}`));
  }

  static async taken(browser, name, place, options = {}) {
    const context = await browser.newContext({ viewport: { width: 320, height: 740 }, ...options });
    return new Seat(context, await context.newPage(), name, place);
  }

  // Puts an authenticator into this browser: it holds keys, and its holder has a finger that fits.
  async plugIn() {
    this.cdp = await this.context.newCDPSession(this.page);
    await this.cdp.send("WebAuthn.enable");
    const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true };
    this.device = (await this.cdp.send("WebAuthn.addVirtualAuthenticator", { options })).authenticatorId;
  }

  async fingerFits(fits) {
    await this.cdp.send("WebAuthn.setUserVerified", { authenticatorId: this.device, isUserVerified: fits });
  }

  async credentials() {
    return (await this.cdp.send("WebAuthn.getCredentials", { authenticatorId: this.device })).credentials;
  }

  async go(path) {
    await this.page.goto(this.place.url + path);
  }

  async at(path) {
    await this.page.waitForURL((url) => url.pathname === path);
  }

  async see(name) {
    const width = this.page.viewportSize().width;
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= width, `${this.name}/${name}: ${wide} px wide on ${width}`);
    await this.page.screenshot({ path: `${SCREENS}/passkeys-${this.name}-${name}.png`, fullPage: true });
    await axe(this.page, `${this.name}/${name}`);
  }

  // ahead: milliseconds; a code counts once, so a second sign-in soon after takes the next one.
  async signInByCode(ahead = 0) {
    const { password, seeds } = this.place;
    await this.go("/sign-in");
    await this.page.fill("#person", this.name);
    await this.page.fill("#password", password);
    await this.page.fill("#code", codeAt(seeds[this.name], Date.now() + ahead));
    await this.page.click("form[action='/sign-in'] button");
    await this.at("/");
  }

  async signOut() {
    await this.page.click("form[action='/sign-out'] button");
    await this.at("/sign-in");
  }

  // By keyboard alone: from the name's field to the button.
  async add(name) {
    await this.go("/passkeys");
    await this.page.focus("#name");
    await this.page.keyboard.type(name);
    await this.page.keyboard.press("Enter");
    await this.page.waitForSelector("#kept + .rows");
  }
}

const byPasskey = "form[action='/sign-in/passkey']";

async function addedAndUsed(author) {
  await author.signInByCode();
  await author.page.click(".who a[href='/passkeys']");
  await author.at("/passkeys");
  await author.see("none-yet");
  await author.add("front desk");
  await author.see("one");
  const [kept] = await author.credentials();
  check(kept?.isResidentCredential && kept.rpId === "localhost", "the authenticator keeps one that it finds without a name");
  await author.add("front desk once more");
  await author.page.waitForSelector("[data-passkey-failed]:not([hidden])");
  check((await author.credentials()).length === 1, "one device, one passkey");
  await author.signOut();
  await author.see("sign-in");
  await author.page.click(`${byPasskey} button`);
  await author.at("/");
  check((await author.page.locator(".who a[href='/passkeys']").innerText()).startsWith("author"), "a passkey alone says who it is");
  await author.signOut();
}

async function refusedWithoutTheFinger(author) {
  await author.fingerFits(false);
  await author.go("/sign-in");
  await author.page.click(`${byPasskey} button`);
  await author.page.waitForSelector(`${byPasskey} [data-passkey-failed]:not([hidden])`);
  check(new URL(author.page.url()).pathname === "/sign-in", "without the finger nobody is in");
  await author.see("refused");
  await author.fingerFits(true);
  await author.page.click(`${byPasskey} button`);
  await author.at("/");
}

async function approvedByPasskey(approver, tell) {
  await approver.signInByCode();
  await approver.add("phone");
  await tell("later");
  const path = `/alerts/${approver.place.alert}/approval`;
  await approver.go(path);
  await approver.see("approval");
  for (const name of ["read_words", "read_place", "understand"]) await approver.page.click(`input[name=${name}]`);
  await approver.fingerFits(false);
  await approver.page.click("button.send");
  await approver.page.waitForSelector("[data-passkey-failed]:not([hidden])");
  check(await approver.page.evaluate(() => document.activeElement.id) === "code", "whoever has no finger is led to the code");
  await approver.see("approval-refused");
  await approver.fingerFits(true);
  await approver.page.click("button.send");
  await approver.at(`/alerts/${approver.place.alert}`);
  check(await approver.page.locator(".status-countdown, .status-sending, .status-active").count() > 0, "a passkey approves and sends");
}

async function removedByAnAdministrator(admin, author, tell) {
  await admin.signInByCode();
  await tell("later");
  await admin.go("/people");
  await admin.see("people");
  await admin.page.click("button[aria-label*='front desk']");
  await admin.at("/people");
  check(await admin.page.locator("button[aria-label*='front desk']").count() === 0, "the lost passkey is gone");
  await author.go("/");
  await author.at("/sign-in");
  await author.page.click(`${byPasskey} button`);
  await author.page.waitForSelector("#problems");
  await author.see("removed");
  await admin.page.click("tr:has-text('viewer') button:has-text('Invite'), tr:has-text('author') button:has-text('Invite')");
  check(await admin.page.locator("form[action='/prove']").count() === 1, "a power is given only after it is shown who sits there");
  await admin.page.fill("#code", codeAt(admin.place.seeds.admin, Date.now() + 30_000));
  await admin.page.click("form[action='/prove'] button");
  await admin.at("/people");
}

async function withoutScripts(browser, place) {
  const plain = await Seat.taken(browser, "approver", place, { javaScriptEnabled: false });
  await plain.go("/sign-in");
  check(!(await plain.page.locator(byPasskey).isVisible()), "without scripts nothing is offered that cannot work");
  await plain.page.fill("#person", "approver");
  await plain.page.fill("#password", place.password);
  await plain.page.fill("#code", codeAt(place.seeds.approver, Date.now() + 30_000));
  await plain.page.click("form[action='/sign-in'] button");
  await plain.at("/");
  await plain.go("/prove");
  check(await plain.page.locator("#code[required]").count() === 1, "without scripts the code is asked for");
  check(!(await plain.page.locator("[data-passkey-hint]").isVisible()), "and no passkey");
}

async function inArabic(author) {
  await author.page.click("button[lang=ar]");
  await author.page.waitForSelector("html[dir=rtl]");
  await author.see("sign-in-ar");
  await author.signInByCode(30_000);
  await author.add("هاتف");
  await author.see("one-ar");
}

await run("tests.browser.passkeys", async (browser, told, tell) => {
  const place = JSON.parse(told);
  const author = await Seat.taken(browser, "author", place);
  const approver = await Seat.taken(browser, "approver", place, { hasTouch: true });
  const admin = await Seat.taken(browser, "admin", place, { viewport: { width: 320, height: 640 } });
  await author.plugIn();
  await approver.plugIn();
  await addedAndUsed(author);
  await refusedWithoutTheFinger(author);
  await approvedByPasskey(approver, tell);
  await removedByAnAdministrator(admin, author, tell);
  await withoutScripts(browser, place);
  await inArabic(author);
});
