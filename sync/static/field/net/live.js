/* The socket: {"seq": n} is a hint that there is more, never data. Lost or doubled messages do no harm. */
import { socketWait } from "../rules/backoff.js";

/** Keeps a socket open. `onHint` on connect and on each message, `onClosed(code)` when the server refuses it for good. */
export function makeLive({ WebSocket, url, random, setTimeout, clearTimeout, onHint, onState = () => {}, onRefused = () => {} }) {
  const live = { socket: null, tries: 0, timer: null, stopped: true };

  function open() {
    live.timer = null;
    if (live.stopped) return;
    const socket = new WebSocket(url);
    live.socket = socket;
    socket.onopen = () => onState("open");
    socket.onmessage = (message) => {
      live.tries = 0;
      let told = null;
      try {
        told = JSON.parse(message.data);
      } catch {
        return;
      }
      if (told && Number.isInteger(told.seq)) onHint(told.seq);
    };
    socket.onclose = (event) => {
      if (live.socket !== socket) return;
      live.socket = null;
      onState("closed");
      if (live.stopped) return;
      if (event.code === 4401 || event.code === 4403) onRefused(event.code);
      live.tries += 1;
      const wait = event.code === 4401 || event.code === 4403 ? 60_000 : socketWait({ tries: live.tries, random: random() });
      live.timer = setTimeout(open, wait);
    };
  }

  return {
    start() {
      if (!live.stopped) return;
      live.stopped = false;
      open();
    },
    /** The line has just come back: do not wait out the pause. */
    nudge() {
      if (live.stopped || live.socket) return;
      clearTimeout(live.timer);
      open();
    },
    stop() {
      live.stopped = true;
      clearTimeout(live.timer);
      if (live.socket) live.socket.close();
      live.socket = null;
    },
  };
}
