// What the walk opens, page by page: who looks, and how they get there.
let asked = 0;
const fresh = () => `+1971555${String((asked += 1) + 5000)}`; // sign-up answers one number a few times only
const CONSOLE = "Writing, deciding, following";
const RECORDS = "Records, staff, service";
const DOOR = "Getting in";
const PUBLIC = "For residents";

const at = (path) => ({ told, goto }) => goto(typeof path === "function" ? path(told.alerts) : path);
const incident = (alertId) => alertId.split("-")[0];
const press = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);
const home = (language) => (language === "en" ? "" : "/ar");

const COMPOSER = [
  { name: "choose", title: "Which danger", who: "author", go: at("/alerts/new") },
  { name: "compose-empty", title: "A new draft, with its problems", who: "author", until: "#preview .problems", go: at((one) => `/alerts/${one.empty}/edit`) },
  { name: "compose", title: "The composer", who: "author", until: "#preview .bubble", phone: true, go: at((one) => `/alerts/${one.draft}/edit`) },
  { name: "compose-returned", title: "Returned with a reason", who: "author", go: at((one) => `/alerts/${one.returned}/edit`) },
  {
    name: "compose-drawn", title: "A drawn area", who: "author", picture: false,
    go: async ({ page, told, goto }) => {
      await goto(`/alerts/${told.alerts.draft}/edit`);
      await page.check("input[name=where][value=drawn]");
      await page.check("input[name=where][value=circle]");
      for (const [id, value] of [["lat", "45.52"], ["lon", "-122.58"], ["radius_m", "900"], ["words", "homes east of I-205"]]) await page.fill(`#${id}`, value);
      await page.waitForResponse(/preview/);
    },
  },
  {
    name: "compose-conflict", title: "Somebody else was faster", who: "author", until: "#conflict",
    go: async ({ page, told, ask, goto, language }) => {
      await goto(`/alerts/${told.alerts.draft}/edit`);
      await ask("edited", `${told.alerts.draft} ${language === "en" ? "Cully" : "Concordia"}`);
      await page.fill("#slot-samples", language === "en" ? "5" : "7");
      await press(page, "button[value=save]");
    },
  },
  {
    name: "compose-mended", title: "A broken shape, mended", who: "author", until: "#mended",
    go: async ({ page, told, goto }) => {
      await goto(`/alerts/${told.alerts.draft}/edit`);
      await page.check("input[name=where][value=drawn]");
      const crossed = [[-122.62, 45.5], [-122.6, 45.52], [-122.6, 45.5], [-122.62, 45.52], [-122.62, 45.5]];
      await page.fill("#geojson", JSON.stringify({ type: "Polygon", coordinates: [crossed] }));
      await press(page, "button[value=mend]");
    },
  },
  { name: "likeness", title: "The public page, before anybody approves it", who: "author", residents: true, go: ({ told, goto, language }) => goto(`/alerts/${told.alerts.waiting}/page/${language}`) },
  { name: "waiting", title: "Waiting for approval", who: "author", go: at((one) => `/alerts/${one.waiting}`) },
  { name: "rejected", title: "Rejected", who: "author", picture: false, go: at((one) => `/alerts/${one.rejected}`) },
];

const DECISION = [
  { name: "decide", title: "Deciding", who: "approver", phone: true, go: at((one) => `/alerts/${one.waiting}/approval`) },
  {
    name: "read-back", title: "What each text says in English, word for word", who: "approver", phone: true,
    go: at((one) => `/alerts/${one.waiting}/approval/words`),
  },
  { name: "decide-own", title: "Not one's own; breaking the glass", who: "approver", go: at((one) => `/alerts/${one.own}/approval`) },
  {
    name: "decide-unticked", title: "Nothing was ticked", who: "approver", picture: false,
    go: async ({ page, told, goto }) => {
      await goto(`/alerts/${told.alerts.waiting}/approval`);
      await page.evaluate(() => { for (const one of document.querySelectorAll("form.decide")) one.noValidate = true; });
      await press(page, "button.send");
    },
  },
  { name: "countdown", title: "The countdown", who: "approver", until: ".status-countdown", go: at((one) => `/alerts/${one.countdown}`) },
  {
    name: "live", title: "Live", who: "approver", phone: true, until: ".status-sending",
    before: async ({ ask }) => ({ leaving: await ask("leaving") }),
    go: at((one) => `/alerts/${one.leaving}`),
  },
  {
    name: "stopped", title: "Stopped", who: "approver", until: ".status-stopped",
    before: async ({ ask, told }) => ({ stopped: await ask("stopped", told.alerts.leaving) }),
    go: at((one) => `/alerts/${one.stopped}`),
  },
  { name: "retraction", title: "Stopped: was it a false alarm?", who: "author", go: at((one) => `/alerts/${one.stopped}/retraction`) },
  { name: "next", title: "What can be said next", who: "author", go: at((one) => `/incidents/${incident(one.sent)}/next`) },
  { name: "sent", title: "Sent, with the pack of copies", who: "author", go: at((one) => `/alerts/${one.sent}`) },
  { name: "ended", title: "Over", who: "author", go: at((one) => `/alerts/${one.over}`) },
];

// Surge mode with a runbook chosen; there is one at a time.
async function chosen({ page, goto }) {
  await goto("/surge");
  if ((await page.$("form[action='/surge/choose']")) === null) return;
  await page.selectOption("#runbook", "boil-water");
  await page.fill("#why", "311");
  await press(page, "form[action='/surge/choose'] button");
}

// Its script, published with every fact it asks for.
async function published(walk) {
  const { page, goto } = walk;
  await chosen(walk);
  await goto("/surge/facts");
  for (const name of await page.$$eval("details[open] input[name=name]", (fields) => fields.map((field) => field.value))) {
    const form = `form:has(input[name=name][value=${name}])`;
    if (await page.$(`${form} input[type=checkbox][name=same]`)) await page.check(`${form} input[type=checkbox][name=same]`);
    await page.fill(`#value-${name}`, "3");
    await page.fill(`#by-${name}`, "Multnomah County");
    await press(page, `${form} > button`);
  }
  await press(page, "form[action='/surge/script'] button");
}

const PAPERS = [
  { name: "home", title: "The start page", who: "approver", phone: true, go: at("/"), group: CONSOLE },
  { name: "home-viewer", title: "The start page of a viewer", who: "viewer", picture: false, go: at("/") },
  { name: "history", title: "Every alert", who: "author", go: at("/alerts") },
  { name: "history-none", title: "Nothing found", who: "author", picture: false, go: at("/alerts?q=nothing") },
  { name: "records", title: "Who did what", who: "admin", go: at("/records") },
  { name: "report", title: "After-action report", who: "viewer", go: at((one) => `/incidents/${incident(one.over)}/report`) },
  { name: "surge-off", title: "Surge mode is off", who: "viewer", picture: false, go: at("/surge") },
  { name: "surge-draft", title: "Surge mode, being got ready", who: "approver", go: chosen },
  { name: "surge-facts", title: "Facts, each with who stands for it", who: "approver", go: async (walk) => { await chosen(walk); await walk.goto("/surge/facts"); } },
  { name: "surge-script", title: "The script, to be printed", who: "approver", until: ".script-step", go: published },
  { name: "surge-recordings", title: "What callers of 311 hear", who: "approver", go: at("/surge/recordings") },
  { name: "surge-recordings-language", title: "Prompts of one language", who: "approver", go: at("/surge/recordings?language=es") },
  { name: "surge-report", title: "Surge report", who: "viewer", go: at("/surge/report") },
  { name: "surge-intervals", title: "Call-centre figures", who: "admin", picture: false, go: at("/surge/intervals") },
  {
    name: "surge-intervals-typed", title: "Call-centre figures, one interval typed", who: "admin", until: "[role=status]",
    go: async ({ page, goto }) => {
      await goto("/surge/intervals");
      await page.fill("#queue", "general");
      await page.fill("#begins", "2026-05-04T09:15");
      for (const [name, figure] of Object.entries({ offered: "120", answered: "40", abandoned: "61" })) await page.fill(`#${name}`, figure);
      await press(page, "main form button");
    },
  },
  { name: "residents", title: "Looking up a resident", who: "admin", picture: false, go: at("/residents") },
  {
    name: "residents-found", title: "Looking up a resident", who: "admin",
    go: async ({ page, goto }) => {
      await goto("/residents");
      await page.fill("#address", "+15035551007");
      await page.fill("#reason", "Case 1007: texts come twice");
      await press(page, "main form button");
    },
  },
  { name: "people", title: "Staff", who: "admin", go: at("/people") },
  {
    name: "people-added", title: "Somebody was added", who: "admin",
    go: async ({ page, goto, language }) => {
      await goto("/people");
      await page.fill("#person", `duty-officer-${language}`);
      await page.check("input[name=roles][value=author]");
      await press(page, "form[action='/people'] > button, form[action='/people'] .btn-primary");
    },
  },
  { name: "areas", title: "Areas", who: "admin", go: at("/areas") },
  {
    name: "areas-checked", title: "Areas, looked at before their import", who: "admin", until: "#checked",
    go: async ({ page, goto }) => {
      await goto("/areas");
      await page.fill("#source", "Planning office, 2026");
      const ring = [[-122.6, 45.5], [-122.5, 45.5], [-122.5, 45.55], [-122.6, 45.55], [-122.6, 45.5]];
      const feature = (name, kind) => ({ type: "Feature", properties: { name, kind }, geometry: { type: "Polygon", coordinates: [ring] } });
      await page.fill("#geojson", JSON.stringify({ type: "FeatureCollection", features: [feature("Lents", "neighborhood"), feature("Nowhere", "moon")] }));
      await press(page, "button[value=check]");
    },
  },
  { name: "words", title: "Words of alerts", who: "translator", go: at("/words") },
  { name: "translations", title: "Translations", who: "translator", go: at("/translations") },
  { name: "translations-inbox", title: "Reviewing Spanish", who: "translator", go: at("/translations?language=es") },
  { name: "translations-arabic", title: "Reviewing Arabic", who: "translator", picture: false, go: at("/translations?language=ar") },
  { name: "webhooks", title: "Partners: webhooks, subscribers of feeds", who: "admin", phone: true, go: at("/webhooks") },
  { name: "webhook", title: "A partner's webhook, with the log of its messages", who: "admin", phone: true, go: at("/webhooks/county-health") },
  { name: "webhook-fails", title: "A webhook that fails", who: "admin", go: at("/webhooks/hospital-network") },
  { name: "webhook-asked", title: "A webhook another administrator asked for", who: "admin", go: at("/webhooks/school-district") },
  { name: "received", title: "Alerts of other agencies", who: "author", phone: true, go: at("/received") },
  { name: "received-one", title: "One of them, and a draft from it", who: "author", phone: true, go: at((one) => `/received/${one.received}`) },
  { name: "received-test", title: "One that is only a test", who: "author", picture: false, go: at((one) => `/received/${one.received_test}`) },
  { name: "service", title: "The service", who: "admin", phone: true, go: at("/service") },
  {
    name: "service-held", title: "The service after a restore: held", who: "admin", until: ".alert-danger",
    go: async ({ ask, goto }) => { await ask("held"); await goto("/service"); await ask("released"); },
  },
  {
    name: "held", title: "What a restore holds back", who: "approver",
    go: async ({ ask, goto }) => { await ask("held"); await goto("/held"); await ask("released"); },
  },
  { name: "drills", title: "Drills", who: "approver", go: at("/drills") },
  { name: "drill", title: "A drill that runs", who: "approver", go: at((one) => `/drills/${one.drill}`) },
  {
    name: "scorecard", title: "How everybody did", who: "approver",
    before: async ({ ask, told }) => { await ask("end drill", told.alerts.drill); return {}; },
    go: at((one) => `/drills/${one.drill}`),
  },
  { name: "contacts", title: "Where pages reach one", who: "approver", go: at("/contacts") },
  { name: "on-call", title: "Who is on call", who: "admin", go: at("/on-call") },
  { name: "passkeys", title: "One's passkeys", who: "approver", go: at("/passkeys") },
  { name: "training", title: "Who has practised", who: "approver", go: at("/training") },
];

const ENTRY = [
  { name: "sign-in", title: "Signing in", who: "", go: at("/sign-in") },
  {
    name: "sign-in-wrong", title: "A wrong password", who: "", picture: false,
    go: async ({ page, goto }) => {
      await goto("/sign-in");
      for (const [id, value] of [["person", "nobody"], ["password", "four winds"], ["code", "123456"]]) await page.fill(`#${id}`, value);
      await press(page, "main form button");
    },
  },
  { name: "invitation", title: "An invitation", who: "", go: async ({ ask, goto }) => goto(`/invitation/${await ask("invited")}`) },
  { name: "invitation-used", title: "An invitation that was used", who: "", picture: false, go: at(`/invitation/${"x".repeat(32)}`) },
  { name: "prove", title: "Is it you?", who: "author", go: at("/prove") },
  { name: "refused", title: "Not allowed", who: "author", go: at("/people") },
  { name: "nothing", title: "There is no such alert", who: "author", go: at("/alerts/ZZZZZ-1") },
];

const form = async (page, contact, tick) => {
  await page.fill("#contact", contact);
  if (tick) await page.check("#agree");
  await press(page, "main form button");
};
const code = async ({ page, ask }, phone) => {
  const [words] = await ask("letter", phone);
  await page.fill("#code", words.match(/\d{6}/)[0]);
  await press(page, "main form button");
};
const joined = async (given) => {
  const phone = fresh();
  await given.goto(`/${given.language}/subscribe`);
  await given.page.fill("#place", "97206");
  await form(given.page, phone, true);
  await code(given, phone);
  return phone;
};
const owner = async (given) => {
  const phone = await joined(given);
  await given.goto(`/${given.language}/manage`);
  await form(given.page, phone, false);
  return phone;
};
const link = (letter) => new URL(letter[0].match(/^http\S+$/m)[0]).pathname;
const mailed = async ({ page, goto, ask, language }, contact) => {
  await goto(`/${language}/subscribe`);
  await form(page, contact, true);
  return ask("letter", contact);
};

const RESIDENTS = [
  { name: "public-list", title: "Alerts now", go: ({ goto, language }) => goto(`${home(language)}/`) },
  { name: "public-alert", title: "An alert", phone: true, go: ({ goto, language, told }) => goto(`${home(language)}/a/${incident(told.alerts.sent)}`) },
  {
    name: "public-check", title: "Is my place in the area?", picture: false,
    go: async ({ page, goto, language, told }) => {
      await goto(`${home(language)}/a/${incident(told.alerts.sent)}`);
      await page.fill("#place", "97266");
      await press(page, "form:has(#place) button");
    },
  },
  { name: "flyer", title: "The sheet to put up", phone: true, go: ({ goto, language, told }) => goto(`${home(language)}/flyer/${incident(told.alerts.sent)}`) },
  { name: "flyer-paper", paper: true, title: "The sheet to put up, as printed", go: async ({ page, goto, language, told }) => { await page.emulateMedia({ media: "print" }); await goto(`${home(language)}/flyer/${incident(told.alerts.sent)}`); } },
  { name: "public-over", title: "An alert that is over", go: ({ goto, language, told }) => goto(`${home(language)}/a/${incident(told.alerts.over)}`) },
  { name: "public-archive", title: "The archive", go: ({ goto, language }) => goto(`${home(language)}/archive`) },
  { name: "public-year", title: "A year of it", picture: false, go: ({ goto, language }) => goto(`${home(language)}/archive/${new Date().getUTCFullYear()}`) },
  { name: "public-status", title: "Status", go: ({ goto, language }) => goto(`${home(language)}/status`) },
  { name: "public-real", title: "Is this text really from the city?", go: ({ goto, language }) => goto(`${home(language)}/real`) },
  { name: "subscribe", title: "Signing up", go: ({ goto, language }) => goto(language === "en" ? "/subscribe" : "/ar/subscribe") },
  {
    name: "subscribe-problems", title: "Signing up, with problems", picture: false,
    go: async ({ page, goto, language }) => { await goto(`/${language}/subscribe`); await press(page, "main form button"); },
  },
  {
    name: "subscribe-code", title: "The code from the phone",
    go: async ({ page, goto, language }) => {
      await goto(`/${language}/subscribe`);
      await page.fill("#place", "97206");
      await form(page, fresh(), true);
      await goto(`/${language}/subscribe/code`);
    },
  },
  {
    name: "subscribed", title: "Signed up", picture: false,
    go: joined,
  },
  {
    name: "confirm", title: "A mailed link", picture: false,
    go: async (given) => given.goto(link(await mailed(given, `resident-${given.language}@example.gov`))),
  },
  {
    name: "unsubscribe", title: "Unsubscribing", picture: false,
    go: async (given) => {
      const contact = `leaver-${given.language}@example.gov`;
      await given.goto(link(await mailed(given, contact)));
      await press(given.page, "main form button");
      const again = await mailed(given, contact);
      await given.goto(`/unsubscribe/${again[1]}`);
    },
  },
  { name: "manage", title: "To one's own page", picture: false, go: ({ goto, language }) => goto(language === "en" ? "/manage" : "/ar/manage") },
  {
    name: "manage-code", title: "To one's own page, with a code", picture: false,
    go: async ({ page, goto, language }) => {
      await goto(`/${language}/manage`);
      await form(page, fresh(), false);
      await goto(`/${language}/manage/code`);
    },
  },
  {
    name: "manage-link", title: "To one's own page, by mail", picture: false,
    go: async (given) => {
      const contact = `owner-${given.language}@example.gov`;
      await given.goto(link(await mailed(given, contact)));
      await press(given.page, "main form button");
      await given.goto(`/${given.language}/manage`);
      await form(given.page, contact, false);
      await given.goto(link(await given.ask("letter", contact)));
    },
  },
  {
    name: "mine", title: "One's own page",
    go: async (given) => {
      await code(given, await owner(given));
    },
  },
  {
    name: "erase", title: "Erasing everything", picture: false,
    go: async (given) => {
      await code(given, await owner(given));
      await given.goto("/manage/erase");
    },
  },
].map((step) => ({ ...step, public: true, who: "", group: PUBLIC }));

const grouped = (steps, group) => steps.map((step) => ({ group, ...step }));
const FLOOR = "The 311 desk";
const DESK311 = [
  { name: "desk311", title: "The desk of whoever answers", who: "admin", phone: true, go: at("/desk311") },
  { name: "desk311-script", title: "The script alone, as the browser keeps it", who: "admin", picture: false, go: at("/desk311/script") },
  { name: "desk311-start", title: "Five minutes for somebody new", who: "admin", go: at("/desk311/start?screen=2") },
  {
    name: "desk311-practice", title: "A practice call", who: "admin", picture: false,
    go: async ({ page, goto }) => { await goto("/desk311/start?screen=4"); await press(page, "form[action='/desk311/start'] button"); },
  },
  { name: "questions", title: "Questions and answers", who: "admin", go: at("/questions?q=school") },
  {
    name: "needs", title: "Needs", who: "admin",
    go: async ({ page, goto }) => {
      await goto("/needs");
      await page.click("main details summary");
      await page.fill("#need-people", "6");
      await page.fill("#need-address", "97206");
      await press(page, "form[action='/needs'] button");
    },
  },
  { name: "needs-one", title: "One need", who: "admin", go: async ({ page, goto }) => { await goto("/needs"); await press(page, "tbody a"); } },
  { name: "needs-map", title: "Where services are needed", who: "viewer", go: at("/needs/map") },
  { name: "agents311", title: "Who answers", who: "admin", go: at("/agents311") },
  { name: "wallboard", title: "The wallboard", who: "viewer", go: at("/wallboard") },
  { name: "ask", title: "A question to the City", public: true, go: ({ goto, language }) => goto(language === "en" ? "/ask" : "/ar/ask") },
  {
    name: "ask-problems", title: "A question, with problems", public: true, picture: false,
    go: async ({ page, goto, language }) => { await goto(`/${language}/ask`); await press(page, "main form button"); },
  },
];

export const STEPS = [
  ...grouped(COMPOSER, CONSOLE), ...grouped(DECISION, CONSOLE), ...grouped(PAPERS, RECORDS), ...grouped(ENTRY, DOOR), ...grouped(DESK311, FLOOR), ...RESIDENTS,
];
