// Opens a page from a file in Chromium, in the light and in the dark, and prints what came of it as JSON: its title and
// text, what it reported, what it asked for, and which elements are in it.
//
//     node page.mjs .../playwright-core/index.mjs CHROMIUM PAGE
import { pathToFileURL } from "node:url";

const [library, executablePath, file] = process.argv.slice(2);
const { chromium } = await import(pathToFileURL(library).href);
const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
const seen = { console: [], errors: [], requests: [] };
try {
  const page = await browser.newPage();
  page.on("console", (message) => seen.console.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("dialog", (dialog) => (seen.errors.push("dialog"), dialog.dismiss()));
  page.on("request", (request) => seen.requests.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  seen.text = await page.innerText("body");
  for (const fold of await page.locator("details:not([open]) > summary").all()) if (await fold.isVisible()) await fold.click();
  seen.opened = await page.innerText("body");
  seen.title = await page.title();
  seen.elements = await page.evaluate(() => [...new Set([...document.querySelectorAll("*")].map((one) => one.localName))]);
  seen.colours = {};
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    seen.colours[colorScheme] = await page.evaluate(() => {
      const said = getComputedStyle(document.querySelector("ins"));
      return [said.color, getComputedStyle(document.body).color];
    });
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
