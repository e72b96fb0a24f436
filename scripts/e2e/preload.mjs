// Loaded before a program that was written for port 3030 and for a runtime with its own WebSocket: supplies the class where
// Node has none (E2E_WEBSOCKET=ws asks for the package even where it has), and leads port 3030 to E2E_PORT.
import { tool } from "./exchange.mjs";
import { redirect } from "./redirect.mjs";

if (process.env.E2E_WEBSOCKET === "ws" || !globalThis.WebSocket) globalThis.WebSocket = tool("ws").WebSocket;
redirect(Number(process.env.E2E_PORT));
