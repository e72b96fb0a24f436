/**
 * Leads the port 3030 of this machine to another one, for programs whose text must stay as it is. It is sent into a browser
 * page as text, so it uses nothing but its argument and what every JavaScript runtime has.
 */
export function redirect(port) {
  if (port === 3030) return;
  const led = (url) => String(url).replace(/\/\/(127\.0\.0\.1|localhost):3030/, `//127.0.0.1:${port}`);
  const Plain = globalThis.WebSocket;
  globalThis.WebSocket = class extends Plain {
    constructor(url, ...rest) { super(led(url), ...rest); }
  };
  const plainFetch = globalThis.fetch;
  globalThis.fetch = (url, ...rest) => plainFetch(led(url), ...rest);
}
