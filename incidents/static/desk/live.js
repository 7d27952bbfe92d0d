/* The socket: {"seq": n} says that there is something new, never what. Lost or doubled messages do no harm. */

const FIRST_MS = 1000;
const LONGEST_MS = 60_000;

/** Keeps a socket open, with exponential backoff and full jitter. `onNews(seq)`, `onState("live" | "closed" | "signed-out")`. */
export function follow({ url, onNews, onState }) {
  let tries = 0;

  function open() {
    const socket = new WebSocket(url);
    socket.onmessage = (message) => {
      tries = 0;
      onState("live");
      onNews(JSON.parse(message.data).seq);
    };
    socket.onclose = (event) => {
      if (event.code === 4401 || event.code === 4403) {
        onState("signed-out");
        return;
      }
      onState("closed");
      tries += 1;
      setTimeout(open, Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** tries));
    };
  }

  open();
}

/** Calls `act` at once, then at most once every `ms`; what comes in between is one more call at the end. */
export function atMostEvery(ms, act) {
  let busy = false;
  let again = false;

  async function run() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    const began = Date.now();
    try {
      await act();
    } finally {
      setTimeout(() => {
        busy = false;
        if (again) {
          again = false;
          run();
        }
      }, Math.max(0, ms - (Date.now() - began)));
    }
  }

  return run;
}
