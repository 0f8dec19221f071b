import { setTimeout as delay } from 'node:timers/promises';

/** After this many failures without an answer between them, the server is probed. */
const FAILURES_MAX = 10;
/** When a request waits and the server has answered nothing for this long, the server is probed. */
export const SILENCE_MS_MAX = 1_000;
/** The breaker opens when the server does not answer a probe within this time. */
export const PROBE_TIMEOUT_MS = 1_000;
/** The pause between two probes. */
const PROBE_INTERVAL_MS = 250;

/**
 * Watches whether a server answers its clients. While it does not (isOpen), requests can fail at once instead of
 * waiting. The breaker probes the server before it opens and before it closes. A request that is slow by nature
 * therefore does not open it, and no client's request is needed to find out whether the server is back.
 * @param probe sends a request that a working server answers at once. It rejects when there is no answer.
 * @param onChange called when the breaker opens or closes
 */
export function createBreaker(
  probe: (signal: AbortSignal) => Promise<unknown>,
  onChange: (isOpen: boolean) => void = () => undefined,
) {
  const end = new AbortController();
  let isOpen = false;
  let isProbing = false;
  let underWay = 0;
  let failures = 0;
  let heardAtMs = -Infinity;
  /** The time of the last answer, or of the first waiting request if that is later. */
  let silentSinceMs = 0;
  let watch: NodeJS.Timeout | undefined;

  /** To be called when the server answered, also with an error. */
  function heard(): void {
    heardAtMs = performance.now();
    silentSinceMs = heardAtMs;
    failures = 0;
    setOpen(false);
  }

  function setOpen(value: boolean): void {
    if (isOpen === value) return;
    isOpen = value;
    onChange(value);
  }

  async function answers(): Promise<boolean> {
    try {
      await probe(AbortSignal.any([end.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]));
      return true;
    } catch {
      // The reason is in the errors of the requests that fail.
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
      setOpen(true);
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
    /** To be called when a request is sent. Its outcome is reported with the methods below. */
    begin(): void {
      // Without waiting requests there were no answers to expect.
      if (underWay === 0) silentSinceMs = performance.now();
      underWay += 1;
      watchSilence();
    },
    heard,
    /** To be called when the server did not answer within its full time limit, or did not accept the connection. */
    failed(): void {
      failures += 1;
      if (failures >= FAILURES_MAX) void suspect();
    },
    /** To be called once for each request that began, after its outcome. */
    end(): void {
      underWay -= 1;
    },
    close(): void {
      clearTimeout(watch);
      end.abort();
    },
  };
}
