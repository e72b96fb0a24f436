// Runs a program's text in a process of its own and collects what it says.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const PRELOAD = pathToFileURL(path.join(path.dirname(fileURLToPath(import.meta.url)), "preload.mjs")).href;

/** Runs JavaScript, unchanged, in Node; `webSocket` is "ws" or "own". The test `t` ends it at the latest. */
export function runNode(t, fileName, text, port, webSocket) {
  const file = write(t, fileName, text);
  return run(t, process.execPath, ["--import", PRELOAD, file], { E2E_PORT: port, E2E_WEBSOCKET: webSocket });
}

/** Runs shell text, unchanged; `curl` finds the exchange on `port` where the text says 3030. */
export function runShell(t, text, port) {
  const lead = ["127.0.0.1", "localhost"].map((host) => `word="\${word//${host}:3030/127.0.0.1:${port}}";`).join(" ");
  const curl = `curl() { local led=() word; for word in "$@"; do ${lead} led+=("$word"); done; command curl -sS --max-time 20 "\${led[@]}"; }`;
  return run(t, "bash", ["-euc", `${curl}\n${text}`], {});
}

function write(t, name, text) {
  const folder = mkdtempSync(path.join(tmpdir(), "hoga-program-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

function run(t, command, args, extra) {
  const environment = Object.fromEntries(Object.entries(extra).map(([key, value]) => [key, String(value)]));
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
  const program = { output: "", code: null };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => { program.output += text; });
  const ended = new Promise((resolve) => child.once("close", (code) => { program.code = code ?? -1; resolve(); }));
  t.after(async () => { child.kill("SIGKILL"); await ended; });
  return program;
}
