import { setTimeout as delay } from 'node:timers/promises';

/** Tells whether a server answers at all, from what its clients see of it. While it does not, nobody need wait for it. */
export interface Breaker {
  isOpen(): boolean;
  /** A request is sent; the answer or the failure of each is told below. */
  begin(): void;
  /** The server answered, whatever it said. */
  heard(): void;
  /** The server had all the time that it was promised, or did not take the connection. */
  failed(): void;
  end(): void;
  close(): void;
}

/** So many failures in a row, without an answer between them, raise the suspicion that the server is gone. */
const FAILURES_MAX = 10;
/** So long without any answer while a request waits raises the suspicion that the server hangs. */
export const SILENCE_MS_MAX = 1_000;
/** So long a suspected server may take to answer the probe; if it does not, the breaker opens. */
export const PROBE_TIMEOUT_MS = 1_000;
/** How often a server that does not answer is asked whether it does again. */
const PROBE_INTERVAL_MS = 250;

/**
 * A breaker that asks the server itself before it opens and before it closes: a request that is slow by nature does not
 * open it for the others, and no request of a client's is spent on finding out whether the server is back.
 * @param probe asks something that any living server answers at once; rejects without an answer
 */
export function createBreaker(probe: (signal: AbortSignal) => Promise<unknown>): Breaker {
  const end = new AbortController();
  let isOpen = false;
  let isProbing = false;
  let underWay = 0;
  let failures = 0;
  let heardAtMs = -Infinity;
  /** When the server was last heard, or since when somebody waits for it. */
  let silentSinceMs = 0;
  let watch: NodeJS.Timeout | undefined;

  function heard(): void {
    heardAtMs = performance.now();
    silentSinceMs = heardAtMs;
    failures = 0;
    isOpen = false;
  }

  async function answers(): Promise<boolean> {
    try {
      await probe(AbortSignal.any([end.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]));
      return true;
    } catch {
      // Why not is told by the requests that fail.
      return false;
    }
  }

  async function suspect(): Promise<void> {
    if (isProbing) return;
    isProbing = true;
    const suspectedAtMs = performance.now();
    while (!end.signal.aborted) {
      if (await answers()) heard();
      if (heardAtMs > suspectedAtMs) break;
      isOpen = true;
      await delay(PROBE_INTERVAL_MS, undefined, { ref: false });
    }
    isProbing = false;
  }

  function watchSilence(): void {
    if (underWay === 0 || watch !== undefined) return;
    const silentMs = () => performance.now() - silentSinceMs;
    watch = setTimeout(async () => {
      watch = undefined;
      if (underWay > 0 && silentMs() >= SILENCE_MS_MAX) await suspect();
      watchSilence();
    }, SILENCE_MS_MAX - silentMs()).unref();
  }

  return {
    isOpen: () => isOpen,
    begin() {
      // Where nobody waited, nothing was to be heard.
      if (underWay === 0) silentSinceMs = performance.now();
      underWay += 1;
      watchSilence();
    },
    heard,
    failed() {
      failures += 1;
      if (failures >= FAILURES_MAX) void suspect();
    },
    end() {
      underWay -= 1;
    },
    close() {
      clearTimeout(watch);
      end.abort();
    },
  };
}
