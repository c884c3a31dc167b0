// Starts aimock on a free port of this machine, and says on stdout where: one JSON line.
//
//     E2E_KEY=the key that it asks for  node aimock.mjs .../aimock/dist/index.js FIXTURES
//
// What no fixture answers is answered by `reply`: what was said comes back, in a tool call if one is asked for.
import { pathToFileURL } from "node:url";

const [library, fixtures] = process.argv.slice(2);
const { LLMock } = await import(pathToFileURL(library).href);
const mock = new LLMock({
  port: 0,
  host: "127.0.0.1",
  chunkSize: 7,
  logLevel: "warn",
  journalMaxEntries: 20000, // all tests have one journal, and one of them asks some thousand times
  auth: { apiKeys: [process.env.E2E_KEY] },
});
mock.loadFixtureDir(fixtures);
mock.addFixture({ match: { userMessage: /^Say number \d+\.$/ }, response: teller });
mock.addFixture({ match: { predicate: () => true }, response: reply });
const url = await mock.start();
process.stdout.write(JSON.stringify({ url }) + "\n");
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));

function reply(request) {
  const said = lastUserText(request.messages);
  const tool = request.tools?.[0]?.function;
  return tool ? { toolCalls: [{ name: tool.name, arguments: filled(tool.parameters, said) }] } : { content: said };
}

// Says by which model it was asked for, so that what two of them say is not mistaken for one another.
function teller(request) {
  return { content: `${request.model} was told: ${lastUserText(request.messages)} And that is all there is to be said of it.` };
}

function lastUserText(messages) {
  const content = messages.filter((message) => message.role === "user").at(-1)?.content ?? "";
  return typeof content === "string" ? content : content.map((part) => part.text ?? "").join("");
}

// The simplest arguments that a schema of strings, numbers and truths allows: the text, or the first of a choice. Of
// Gemini's parametersJsonSchema aimock says nothing; the tool that `models --check` offers takes a word.
function filled(schema, text) {
  if (!schema) return JSON.stringify({ word: text });
  const simple = { string: text, integer: 1, number: 1, boolean: true, array: [], object: {} };
  const fill = ([name, property]) => [name, property.const ?? property.enum?.[0] ?? simple[property.type] ?? text];
  return JSON.stringify(Object.fromEntries(Object.entries(schema.properties ?? {}).map(fill)));
}
