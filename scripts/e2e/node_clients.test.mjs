// Node clients of the exchange: the package `ws`, and Node's own WebSocket.
import assert from "node:assert/strict";
import test from "node:test";
import { Exchange, tool, until } from "./exchange.mjs";
import { assertTrade, HALF, ONE_LOT } from "./expect.mjs";

const clients = [["ws", tool("ws").WebSocket], ["Node's own WebSocket", globalThis.WebSocket]];

for (const [name, WebSocket] of clients) {
  const skip = WebSocket ? false : `skipped: Node ${process.version} has no WebSocket of its own`;

  test(`${name}: executions have exactly the eight fields with exact numbers`, { skip, timeout: 60_000 }, async (t) => {
    const exchange = await started(t);
    const stream = await open(t, WebSocket, `${exchange.ws}/ws/executions`);
    for (const numbers of [HALF, ONE_LOT]) {
      const orders = await exchange.trade(numbers.price, numbers.quantity);
      await until("both executions", 10_000, () => stream.messages.length >= 2);
      assertTrade(stream.messages.splice(0), orders, numbers);
    }
  });

  test(`${name}: nothing is missed or repeated over a reconnection`, { skip, timeout: 60_000 }, async (t) => {
    const exchange = await started(t);
    const first = await open(t, WebSocket, `${exchange.ws}/ws/executions`);
    await exchange.trade();
    await until("both executions", 10_000, () => first.messages.length === 2);
    first.socket.close();
    const missed = await exchange.trade(ONE_LOT.price, ONE_LOT.quantity);
    // Resumed inside the first trade, after its aggressor's execution: the resting order's comes first, once.
    const second = await open(t, WebSocket, `${exchange.ws}/ws/executions?after=${JSON.parse(first.messages[0]).exec_id}`);
    const live = await exchange.trade();
    await until("what was missed and what is new", 10_000, () => second.messages.length >= 5);
    assert.equal(second.messages[0], first.messages[1]);
    assertTrade(second.messages.slice(1, 3), missed, ONE_LOT);
    assertTrade(second.messages.slice(3), live, HALF);
    const past = await exchange.get("/api/v1/executions/BTC-KRW");
    assert.equal(past, `[${[first.messages[0], ...second.messages].join(",")}]`, "the past reads as it streamed");
  });

  test(`${name}: order entry answers before it pushes`, { skip, timeout: 60_000 }, async (t) => {
    const exchange = await started(t);
    const session = await open(t, WebSocket, `${exchange.ws}/ws/orders?account=alice`);
    session.socket.send(`{"id":"a-1","op":"place","symbol":"BTC-KRW","side":"Sell","type":"Limit","price":50000000,"quantity":"0.5"}`);
    await until("reply and push", 10_000, () => session.messages.length >= 2);
    const [reply, push] = session.messages.map((text) => JSON.parse(text));
    assert.equal(reply.id, "a-1");
    assert.equal(reply.order?.status, "New", JSON.stringify(reply));
    assert.equal(reply.order.account, "alice");
    assert.equal(push.type, "order");
    assert.equal(push.order.order_id, reply.order.order_id);
    session.messages.length = 0;
    await exchange.place({ side: "Buy", price: "50000000", quantity: "0.2" });
    await until("the fill", 10_000, () => session.messages.length >= 1);
    assert.match(session.messages[0], /"status":"PartiallyFilled"/);
    assert.match(session.messages[0], /"fill":{"exec_id":"[0-9a-f-]{36}","price":50000000,"quantity":0\.2,"fee":2000}/);
  });

  test(`${name}: a stop closes streams with 1001`, { skip, timeout: 60_000 }, async (t) => {
    const exchange = await started(t);
    const stream = await open(t, WebSocket, `${exchange.ws}/ws/executions`);
    await exchange.stop();
    await until("the close", 10_000, () => stream.closeCode !== null);
    assert.equal(stream.closeCode, 1001);
  });
}

async function started(t) {
  const exchange = await Exchange.start();
  t.after(() => exchange.remove());
  return exchange;
}

/** Connects by the interface that both clients share, the browser's, and collects raw messages. */
function open(t, WebSocket, url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const stream = { socket, messages: [], closeCode: null };
    socket.onopen = () => resolve(stream);
    socket.onerror = (event) => reject(new Error(`${url}: ${event.message ?? "refused"}`));
    socket.onmessage = (event) => stream.messages.push(event.data);
    socket.onclose = (event) => { stream.closeCode = event.code; };
    t.after(() => socket.close());
  });
}
