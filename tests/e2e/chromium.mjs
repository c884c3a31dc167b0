// Lets a page in Chromium ask a server that answers like models, and saves what Chromium writes of it into a folder:
// devtools.har, as its developer tools export it; playwright-*.har, as a driver does in each of its ways; and
// exchanges.json, what the server was asked and what it answered.
//
//     node chromium.mjs .../playwright-core/index.mjs CHROMIUM FOLDER
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const [library, executablePath, folder] = process.argv.slice(2);
const { chromium } = await import(pathToFileURL(library).href);
const KEY = "sk-chromium-e2e-key-4711-0815";
const SWITCHES = [
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking",
  "--disable-component-update --disable-sync --remote-allow-origins=*",
].flatMap((line) => line.split(" "));
const SAID = "Grüße, 💙";
const chunk = (delta, finish_reason = null) =>
  `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const ANSWERS = {
  chat: {
    id: "c1",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content: SAID }, finish_reason: "stop" }],
  },
  gzip: {
    id: "m1",
    type: "message",
    role: "assistant",
    model: "claude-x",
    content: [{ type: "text", text: SAID.repeat(99) }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 2 },
  },
  error: { error: { message: "Slow down", type: "requests", param: null, code: "rate_limit_exceeded" } },
};
const EVENTS = [chunk({ role: "assistant", content: "Grü" }), chunk({ content: "ße, 💙" }, "stop"), "data: [DONE]\n\n"];
const PICTURE = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=", "base64");
const user = [{ role: "user", content: SAID }];
const QUESTIONS = {
  chat: ["/v1/chat/completions?case=chat", { model: "m", messages: user }],
  stream: ["/v1/chat/completions?case=stream", { model: "m", messages: user, stream: true }],
  gzip: ["/v1/messages?case=gzip", { model: "claude-x", max_tokens: 9, messages: user }],
  error: ["/v1/responses?case=error", { model: "m", input: SAID }],
  cut: ["/v1/chat/completions?case=cut", { model: "m", messages: user, stream: true, n: 1 }],
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
const server = createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece)).on("end", () => answer(request, response, Buffer.concat(pieces)));
});
const exchanges = {};

async function answer(request, response, asked) {
  const url = new URL(request.url, "http://localhost");
  const open = { "access-control-allow-origin": "*", "access-control-allow-headers": "*", "timing-allow-origin": "*" };
  const name = url.searchParams.get("case");
  const finish = (status, headers, body) => response.writeHead(status, { ...open, ...headers }).end(body);
  if (request.method === "OPTIONS") return finish(204, {}, "");
  if (url.pathname === "/picture.png") return finish(200, { "content-type": "image/png" }, PICTURE);
  if (!name) return finish(200, { "content-type": "text/html" }, "<!doctype html><title>page</title>");
  exchanges[name] = { asked: asked.toString(), answered: name in ANSWERS ? JSON.stringify(ANSWERS[name]) : EVENTS.join("") };
  const json = { "content-type": "application/json" };
  if (name === "gzip") return finish(200, { ...json, "content-encoding": "gzip" }, gzipSync(exchanges[name].answered));
  if (name in ANSWERS) return finish(name === "error" ? 429 : 200, { ...json, "retry-after": "1" }, exchanges[name].answered);
  response.writeHead(200, { ...open, "content-type": "text/event-stream" });
  for (const event of EVENTS) {
    response.write(event);
    await pause(150);
    if (name === "cut") return response.destroy();
  }
  response.end();
}

// In the page: everything is asked of another origin, so that there are preflights.
async function ask([origin, closed, key, questions]) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
  const send = async (url, body) => (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).text();
  await fetch(`${origin}/picture.png`);
  for (const [path, body] of Object.values(questions)) await send(origin + path, body).catch(() => "");
  await send(`${closed}/v1/chat/completions`, questions.chat[1]).catch(() => "");
}

async function freePort() {
  const other = createServer();
  const found = await listening(other);
  await new Promise((resolve) => other.close(resolve));
  return found;
}

async function recorded(browser, name, options) {
  const context = await browser.newContext({ recordHar: { path: `${folder}/playwright-${name}.har`, ...options } });
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.evaluate(ask, questions);
  await context.close();
}

// In the developer tools.
async function count() {
  return (await import("./models/logs/logs.js")).NetworkLog.NetworkLog.instance().requests().length;
}

// The developer tools are a page, too. They are asked for what their "Export HAR (with sensitive data)" saves.
async function exported(browser, debugging) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const { targetInfo } = await (await context.newCDPSession(page)).send("Target.getTargetInfo");
  const tools = await context.newPage();
  const host = `127.0.0.1:${debugging}`;
  await tools.goto(`http://${host}/devtools/inspector.html?ws=${host}/devtools/page/${targetInfo.targetId}`);
  do await page.goto(`http://127.0.0.1:${port}/`);
  while (!(await tools.evaluate(count))); // until they look
  await page.evaluate(ask, questions);
  const saved = await tools.evaluate(async () => {
    const [har, logs, common] = await Promise.all(
      ["./models/har/har.js", "./models/logs/logs.js", "./core/common/common.js"].map((path) => import(path)),
    );
    const progress = new common.Progress.CompositeProgress(new common.Progress.Progress());
    const requests = logs.NetworkLog.NetworkLog.instance().requests();
    return har.Writer.Writer.harStringForRequests(requests, { sanitize: false }, progress);
  });
  writeFileSync(`${folder}/devtools.har`, saved);
  await context.close();
}

const port = await listening(server);
const debugging = await freePort();
const questions = [`http://localhost:${port}`, `http://127.0.0.1:${await freePort()}`, KEY, QUESTIONS];
const browser = await chromium.launch({ executablePath, args: [...SWITCHES, `--remote-debugging-port=${debugging}`] });
try {
  await recorded(browser, "embedded", { content: "embed" });
  await recorded(browser, "minimal", { content: "embed", mode: "minimal" });
  await recorded(browser, "omitted", { content: "omit" });
  await exported(browser, debugging);
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
writeFileSync(`${folder}/exchanges.json`, JSON.stringify(exchanges));
