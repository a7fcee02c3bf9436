// What every browser story needs: the browser, the judge of accessibility, and the count of what held.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const GRAVE = ["serious", "critical"];
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const LONGEST_MS = 300_000;
let passed = 0;
export const failures = [];

export function check(holds, what) {
  if (holds) passed += 1;
  else failures.push(what);
}

// Judges the page as it stands; serious findings fail, light ones are named.
export async function axe(page, what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  for (const one of violations.filter((each) => GRAVE.includes(each.impact))) {
    failures.push(`${what}: axe: ${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
  }
  const light = violations.filter((each) => !GRAVE.includes(each.impact)).map((each) => each.id);
  if (light.length) console.log(`${what}: axe also names ${light}`);
}

// Runs a story beside a server that says on its first line where it is. Ends with 1 when anything fails.
export async function run(module, story, longestMs = LONGEST_MS) {
  setTimeout(() => { throw new Error(`This takes longer than ${longestMs / 60_000} minutes.`); }, longestMs).unref();
  const server = spawn(process.env.PYTHON, ["-m", module], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: QUIET });
  const next = async () => (await lines.next()).value;
  try {
    await story(browser, await next(), async (wish) => {
      server.stdin.write(`${wish}\n`);
      return next();
    });
  } catch (error) {
    failures.push(String(error?.stack ?? error));
  } finally {
    await browser.close();
    server.stdin.end();
  }
  for (const failure of failures) console.log(`FAILED ${failure}`);
  console.log(`${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length ? 1 : 0;
}
