// The README's first trade, by curl and in JavaScript, exactly as a reader would copy it.
import assert from "node:assert/strict";
import test from "node:test";
import { readmeBlock } from "./blocks.mjs";
import { launch, openPage } from "./browser.mjs";
import { Exchange, until } from "./exchange.mjs";
import { runNode, runShell } from "./program.mjs";
import { redirect } from "./redirect.mjs";

test("the README's curl lines make a first trade", { timeout: 90_000 }, async (t) => {
  const exchange = await started(t);
  const program = runShell(t, readmeBlock("curl"), exchange.port);
  await until(() => `the block ended; it said:\n${program.output}`, 30_000, () => program.code !== null);
  assert.equal(program.code, 0, program.output);
  await traded(exchange, program);
});

const webSockets = [["ws", true], ["own", Boolean(globalThis.WebSocket)]];
for (const [webSocket, there] of webSockets) {
  const skip = there ? false : `skipped: Node ${process.version} has no WebSocket of its own`;
  test(`the README's JavaScript makes a first trade (WebSocket: ${webSocket})`, { skip, timeout: 90_000 }, async (t) => {
    const exchange = await started(t);
    const program = runNode(t, "first-trade.mjs", readmeBlock("js"), exchange.port, webSocket);
    await traded(exchange, program);
    await until(() => `it told of both sides; it said:\n${program.output}`, 15_000, () => /Buy/.test(program.output) && /Sell/.test(program.output));
    assert.ok(program.code === null || program.code === 0, program.output);
  });
}

const noBrowser = process.env.E2E_CHROMIUM ? false : "skipped: no Chromium";
test("the README's JavaScript makes a first trade on the exchange's own page", { skip: noBrowser, timeout: 90_000 }, async (t) => {
  const exchange = await started(t);
  const { page, said, errors } = await openPage(await launch(t), exchange.http);
  await page.evaluate(`(${redirect})(${exchange.port})`);
  // As in the console: the page's policy lets no other script into its markup.
  await page.evaluate(`(async () => {\n${readmeBlock("js")}\n})()`);
  await traded(exchange, { get output() { return said.join("\n"); } });
  await page.locator("#tape").getByText("50,000,000").waitFor();
  assert.deepEqual(errors, []);
});

async function started(t) {
  const exchange = await Exchange.startForDocuments();
  t.after(() => exchange.remove());
  return exchange;
}

async function traded(exchange, program) {
  const past = async () => JSON.parse(await exchange.get("/api/v1/executions/BTC-KRW"));
  await until(() => `a trade stands in the history; the block said:\n${program.output}`, 15_000, async () => (await past()).length >= 2);
  const sides = (await past()).map((execution) => execution.side);
  assert.equal(sides.filter((side) => side === "Buy").length, sides.length / 2, "one execution per side");
}
