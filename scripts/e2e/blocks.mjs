// Code blocks read out of documents, so that what a reader copies is what the tests run.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, "../..");
const DOCUMENT = path.resolve(root, "../shared/protocol/websocket-executions.ko.md");

/** The protocol document's JavaScript examples; where the document is absent, the copies kept beside this file. */
export function documentExamples() {
  const names = ["stream.js", "reconnect.js"];
  const copies = names.map((name) => readFileSync(path.join(here, "document-examples", name), "utf8"));
  if (!existsSync(DOCUMENT)) {
    console.log("skipped: the protocol document is not beside the repository; its examples are run from their copies");
    return copies;
  }
  const blocks = [...readFileSync(DOCUMENT, "utf8").matchAll(/^```javascript\n(.*?)^```$/gms)].map((match) => match[1]);
  assert.deepEqual(copies, blocks, "document-examples/ differs from the protocol document");
  return blocks;
}

/** The code block that follows `<!-- first-trade:NAME -->` in the README. */
export function readmeBlock(name) {
  const readme = readFileSync(path.join(root, "README.md"), "utf8");
  const marked = new RegExp(`^<!-- first-trade:${name} -->\\s*^\`\`\`[a-z]*\\n(.*?)^\`\`\`$`, "ms").exec(readme);
  assert.ok(marked, `README.md has no code block after <!-- first-trade:${name} -->`);
  return marked[1];
}
