// A headless Chromium (E2E_CHROMIUM), and a web page that is not the exchange's own.
import http from "node:http";
import { tool } from "./exchange.mjs";

/** Starts a browser that ends with the test `t`. */
export async function launch(t) {
  const executablePath = process.env.E2E_CHROMIUM;
  if (!executablePath) throw new Error("E2E_CHROMIUM must name a Chromium or Chrome");
  const browser = await tool("playwright-core").chromium.launch({ executablePath, timeout: 60_000 });
  t.after(() => browser.close());
  return browser;
}

/** Opens `url` and collects what the page says on its console and the errors it throws. */
export async function openPage(browser, url, options = {}) {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(20_000);
  const said = [];
  const errors = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(url);
  return { page, said, errors };
}

/** An empty page of another origin, served on loopback until the test `t` ends. Returns its URL. */
export async function foreignPage(t) {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end("<!doctype html><title>elsewhere</title>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}/`;
}
