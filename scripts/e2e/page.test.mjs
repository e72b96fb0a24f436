// The exchange's own page in Chromium, and what a page of another origin may not do.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { root } from "./blocks.mjs";
import { foreignPage, launch, openPage } from "./browser.mjs";
import { Exchange, until } from "./exchange.mjs";

const SCREENSHOTS = path.join(root, "target", "screenshots");
mkdirSync(SCREENSHOTS, { recursive: true });

const WIDE = { viewport: { width: 1280, height: 860 } };

test("the page invites to a first order, then shows the trade and the book", { timeout: 120_000 }, async (t) => {
  const exchange = await started(t);
  const { page, errors } = await openPage(await launch(t), exchange.http, WIDE);
  await page.getByText("Live").waitFor();
  assert.equal(await page.title(), "Hoga 호가");
  const curl = await page.locator("#curl").textContent();
  assert.ok(curl.startsWith(`curl ${exchange.http}/api/v1/orders`), curl);
  await page.screenshot({ path: path.join(SCREENSHOTS, "empty.png") });

  await exchange.trade();
  await exchange.place({ side: "Sell", price: "50001000", quantity: "0.00000001" });
  await exchange.place({ side: "Sell", price: "50001000", quantity: "0.25" });
  await exchange.place({ side: "Buy", price: "49998000", quantity: "1.5" });
  await showsTrades(page, [["Buy 매수", "50,000,000", "0.50000000", "12,500", "5,000"]]);
  await showsLevels(page, ".asks", ["0.25000001", "50,001,000", "2 orders"]);
  await showsLevels(page, ".bids", ["1 order", "49,998,000", "1.50000000"]);
  await page.getByText("spread 3,000").waitFor();
  await page.screenshot({ path: path.join(SCREENSHOTS, "light.png") });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.screenshot({ path: path.join(SCREENSHOTS, "dark.png") });
  await page.setViewportSize({ width: 400, height: 1300 });
  await page.screenshot({ path: path.join(SCREENSHOTS, "narrow.png") });
  assert.deepEqual(errors, []);
});

test("the page comes back by itself and shows what it missed", { timeout: 120_000 }, async (t) => {
  const exchange = await started(t);
  const { page, errors } = await openPage(await launch(t), exchange.http, WIDE);
  await page.getByText("Live").waitFor();
  await exchange.trade();
  await showsTrades(page, [["Buy 매수", "50,000,000", "0.50000000", "12,500", "5,000"]]);
  await exchange.stop();
  await page.getByText("Reconnecting").waitFor();
  await exchange.startAgain();
  await exchange.trade("51000000", "1");
  await page.getByText("Live").waitFor();
  await showsTrades(page, [
    ["Buy 매수", "51,000,000", "1.00000000", "25,500", "10,200"],
    ["Buy 매수", "50,000,000", "0.50000000", "12,500", "5,000"],
  ]);
  assert.deepEqual(errors, []);
});

test("the page shows the chosen instrument alone", { timeout: 120_000 }, async (t) => {
  const exchange = await started(t);
  const { page, errors } = await openPage(await launch(t), exchange.http, WIDE);
  await page.getByText("Live").waitFor();
  await exchange.trade();
  await showsTrades(page, [["Buy 매수", "50,000,000", "0.50000000", "12,500", "5,000"]]);
  await page.getByRole("button", { name: "ETH-KRW" }).click();
  await page.locator("#tape").waitFor({ state: "hidden" });
  assert.match(await page.locator("#curl").textContent(), /"symbol":"ETH-KRW"/);
  await page.reload();
  await page.getByText("Live").waitFor();
  assert.equal(await page.getByRole("button", { name: "ETH-KRW" }).getAttribute("aria-pressed"), "true");
  assert.deepEqual(errors, []);
});

test("the page shows the public tape where executions need a key", { timeout: 120_000 }, async (t) => {
  const exchange = await started(t);
  await exchange.trade();
  await exchange.trade("51000000", "1");
  await exchange.stop();
  await exchange.startAgain({ HOGA_AUTH__MODE: "required" });
  const { page, errors } = await openPage(await launch(t), exchange.http, WIDE);
  await page.getByText("Live").waitFor();
  await showsTrades(page, [
    ["Buy 매수", "51,000,000", "1.00000000", "–", "–"],
    ["Buy 매수", "50,000,000", "0.50000000", "–", "–"],
  ]);
  await page.screenshot({ path: path.join(SCREENSHOTS, "public-tape.png") });
  assert.deepEqual(errors, []);
});

test("a page of another origin cannot trade", { timeout: 120_000 }, async (t) => {
  const exchange = await started(t);
  const { page } = await openPage(await launch(t), await foreignPage(t));
  const attempt = (contentType) => page.evaluate(async ([url, type]) => {
    const body = `{"symbol":"BTC-KRW","side":"Buy","type":"Limit","price":50000000,"quantity":0.5}`;
    const answer = await fetch(url, { method: "POST", mode: "no-cors", headers: { "content-type": type }, body });
    return answer.type;
  }, [`${exchange.http}/api/v1/orders`, contentType]);
  await attempt("text/plain");
  await attempt("application/x-www-form-urlencoded");
  const session = await page.evaluate((url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve("opened");
    socket.onerror = () => resolve("refused");
  }), `${exchange.ws}/ws/orders`);
  assert.equal(session, "refused");
  assert.equal(await exchange.get("/api/v1/orders"), `{"orders":[]}`);
});

async function started(t) {
  const exchange = await Exchange.start();
  t.after(() => exchange.remove());
  return exchange;
}

const cells = (row) => row.locator("td").allTextContents();

/** The tape holds exactly these rows; each: taker's side, price, quantity, taker's fee, maker's fee. */
async function showsTrades(page, expected) {
  let shown = [];
  await until(() => `the tape shows ${JSON.stringify(expected)}, not ${JSON.stringify(shown)}`, 15_000, async () => {
    shown = await Promise.all((await page.locator("#tape tbody tr").all()).map(cells));
    return JSON.stringify(shown.map((row) => row.slice(1))) === JSON.stringify(expected);
  });
}

/** One side of the book has exactly this level. */
async function showsLevels(page, side, expected) {
  let shown = [];
  await until(() => `the book shows ${JSON.stringify(expected)}, not ${JSON.stringify(shown)}`, 15_000, async () => {
    const rows = await Promise.all((await page.locator(`#book ${side} tr`).all()).map(cells));
    shown = rows.filter((row) => row.some((text) => text !== ""));
    return JSON.stringify(shown) === JSON.stringify([expected]);
  });
}
