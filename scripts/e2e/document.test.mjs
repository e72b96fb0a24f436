// The protocol document's own JavaScript examples, unchanged, in Node and in Chromium.
import assert from "node:assert/strict";
import test from "node:test";
import { documentExamples } from "./blocks.mjs";
import { foreignPage, launch, openPage } from "./browser.mjs";
import { Exchange, until } from "./exchange.mjs";
import { runNode } from "./program.mjs";
import { redirect } from "./redirect.mjs";

const [STREAM, RECONNECT] = documentExamples();
const noBrowser = process.env.E2E_CHROMIUM ? false : "skipped: no Chromium";
const noOwnWebSocket = globalThis.WebSocket ? false : `skipped: Node ${process.version} has no WebSocket of its own`;

const runtimes = [
  { name: "Node with ws", skip: false, run: async (t, text, port) => {
    const program = runNode(t, "example.js", text, port, "ws");
    return () => program.output.split("\n");
  } },
  { name: "Node with its own WebSocket", skip: noOwnWebSocket, run: async (t, text, port) => {
    const program = runNode(t, "example.js", text, port, "own");
    return () => program.output.split("\n");
  } },
  { name: "Chromium", skip: noBrowser, run: async (t, text, port) => {
    const { page, said } = await openPage(await launch(t), await foreignPage(t));
    await page.evaluate(`(${redirect})(${port})`);
    await page.addScriptTag({ content: text });
    return () => said;
  } },
];

for (const { name, skip, run } of runtimes) {
  test(`the stream example runs unchanged in ${name}`, { skip, timeout: 120_000 }, async (t) => {
    const exchange = await Exchange.startForDocuments();
    t.after(() => exchange.remove());
    const said = await run(t, STREAM, exchange.port);
    await heard(said, "체결 스트림에 연결되었습니다.");
    await exchange.trade();
    await heard(said, "체결 발생: BTC-KRW - Buy, 가격: 50000000, 수량: 0.5");
    await heard(said, "체결 발생: BTC-KRW - Sell, 가격: 50000000, 수량: 0.5");
    await exchange.stop();
    await heard(said, "체결 스트림 연결이 종료되었습니다.");
    assert.equal(said().filter((line) => line.startsWith("체결 발생")).length, 2, "each execution once");
  });

  test(`the reconnection example runs unchanged in ${name}`, { skip, timeout: 120_000 }, async (t) => {
    const exchange = await Exchange.startForDocuments();
    t.after(() => exchange.remove());
    const said = await run(t, RECONNECT, exchange.port);
    await heard(said, "체결 스트림 연결 성공");
    await exchange.stop();
    await heard(said, "1000ms 후 재연결 시도 (1/10)");
    await exchange.startAgain();
    await heard(said, "체결 스트림 연결 성공", 2);
    await exchange.trade();
    await heard(said, "체결 발생: BTC-KRW - Buy, 가격: 50000000");
    await heard(said, "체결 발생: BTC-KRW - Sell, 가격: 50000000");
  });
}

async function heard(said, line, times = 1) {
  const count = () => said().filter((other) => other === line).length;
  await until(() => `"${line}" ${times} time(s); the example said:\n${said().join("\n")}`, 30_000, () => count() >= times);
}
