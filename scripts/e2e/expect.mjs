// What one trade must look like on the founding stream: the raw text, byte for byte.
import assert from "node:assert/strict";

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
const TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z";
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Half a bitcoin at fifty million: 25,000,000 KRW, of which 0.05 % and 0.02 % are fees. */
export const HALF = { price: "50000000", quantity: "0.5", takerFee: "12500", makerFee: "5000" };
/** One lot: numbers that a float's shortest text would write with an exponent, and fees that round to even. */
export const ONE_LOT = { price: "50001000", quantity: "0.00000001", takerFee: "0.00025001", makerFee: "0.00010001" };

/** Checks the two messages of one trade: the aggressor's first, eight fields each, in order, numbers digit for digit. */
export function assertTrade(messages, { taker, maker }, { price, quantity, takerFee, makerFee }) {
  assert.equal(messages.length, 2, `two executions of one trade, not ${JSON.stringify(messages)}`);
  const sides = [[taker, "Buy", takerFee], [maker, "Sell", makerFee]];
  const ids = messages.map((message, i) => {
    const [order, side, fee] = sides[i];
    const expected = new RegExp(`^{"exec_id":"(${UUID})","order_id":"${order.order_id}","symbol":"BTC-KRW","side":"${side}",`
      + `"price":${escaped(price)},"quantity":${escaped(quantity)},"fee":${escaped(fee)},"transaction_time":"${TIME}"}$`);
    assert.match(message, expected);
    return expected.exec(message)[1];
  });
  assert.notEqual(ids[0], ids[1], "every execution has an id of its own");
  const time = JSON.parse(messages[0]).transaction_time;
  assert.equal(JSON.parse(messages[1]).transaction_time, time, "one trade, one time");
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, `${time} is not now`);
}
