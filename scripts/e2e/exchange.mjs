// Starts the real `hoga` binary (E2E_HOGA) in a data folder of its own, speaks HTTP to it, and leaves nothing behind.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START_MS = 30_000;
const STOP_MS = 20_000;
/** The port that the protocol document and the README name. */
export const DOCUMENT_PORT = 3030;

const tools = createRequire(path.join(process.env.E2E_NODE_TOOLS ?? ".", "package.json"));
/** A package installed under the folder E2E_NODE_TOOLS. */
export const tool = (name) => tools(name);

const running = new Set();
process.on("exit", () => { for (const child of running) child.kill("SIGKILL"); });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

export class Exchange {
  /** Starts an exchange with an empty journal; `port` 0 takes any free port. */
  static async start(port = 0) {
    const exchange = new Exchange();
    exchange.dataDir = await mkdtemp(path.join(tmpdir(), "hoga-e2e-"));
    await exchange.#run(port).catch(async (error) => { await exchange.remove(); throw error; });
    return exchange;
  }

  /** Starts where the documents' examples look, or on any port when something else listens there. */
  static async startForDocuments() {
    return Exchange.start(await isFree(DOCUMENT_PORT) ? DOCUMENT_PORT : 0);
  }

  async #run(port, settings = {}) {
    const binary = process.env.E2E_HOGA;
    if (!binary) throw new Error("E2E_HOGA must name the hoga binary");
    this.output = "";
    this.child = spawn(binary, ["serve", "--listen", `127.0.0.1:${port}`, "--data-dir", this.dataDir], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...settings } });
    running.add(this.child);
    this.ended = once(this.child, "exit").then(([code, signal]) => { running.delete(this.child); return { code, signal }; });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.setEncoding("utf8").on("data", (text) => { this.output += text; });
    await until(`hoga printed its address and became ready; it said:\n${this.output}`, START_MS, async () => {
      if (this.child.exitCode !== null) throw new Error(`hoga ended with ${this.child.exitCode}:\n${this.output}`);
      this.port = Number(/127\.0\.0\.1:(\d+)/.exec(this.output)?.[1] ?? 0);
      return this.port && (await fetch(`${this.http}/readyz`).catch(() => null))?.ok;
    });
  }

  get http() { return `http://127.0.0.1:${this.port}`; }
  get ws() { return `ws://127.0.0.1:${this.port}`; }

  /** Asks the exchange to stop and waits for a clean exit; the journal stays. */
  async stop() {
    this.child.kill("SIGTERM");
    const late = sleep(STOP_MS, "late", { ref: false });
    const end = await Promise.race([this.ended, late]);
    if (end === "late") throw new Error(`hoga did not stop within ${STOP_MS} ms of SIGTERM:\n${this.output}`);
    if (end.code !== 0) throw new Error(`hoga ended with code ${end.code}, signal ${end.signal}:\n${this.output}`);
  }

  /** Starts again on the same port with the same journal, and with these settings, as the environment names them. */
  async startAgain(settings = {}) { await this.#run(this.port, settings); }

  /** Ends the exchange whatever state it is in and removes its folder. */
  async remove() {
    this.child?.kill("SIGKILL");
    await this.ended;
    await rm(this.dataDir, { recursive: true, force: true });
  }

  /** Places a limit order by HTTP and returns it; `quantity` and `price` are sent with exactly these digits. */
  async place({ symbol = "BTC-KRW", side, price, quantity }) {
    const body = `{"symbol":"${symbol}","side":"${side}","type":"Limit","price":${price},"quantity":${quantity}}`;
    const answer = await fetch(`${this.http}/api/v1/orders`, { method: "POST", headers: { "content-type": "application/json" }, body });
    const text = await answer.text();
    if (answer.status !== 201) throw new Error(`order refused with ${answer.status}: ${text}`);
    return JSON.parse(text);
  }

  /** A resting sell order and a buy order that takes it whole. */
  async trade(price = "50000000", quantity = "0.5") {
    const maker = await this.place({ side: "Sell", price, quantity });
    const taker = await this.place({ side: "Buy", price, quantity });
    return { maker, taker };
  }

  async get(target) {
    const answer = await fetch(this.http + target);
    if (!answer.ok) throw new Error(`${target}: ${answer.status} ${await answer.text()}`);
    return answer.text();
  }
}

/** Polls until `condition` holds; throws with `what` when it does not within `ms`. */
export async function until(what, ms, condition) {
  const deadline = Date.now() + ms;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${typeof what === "function" ? what() : what}`);
    await sleep(25);
  }
}

/** Whether nothing listens on this loopback port. */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
