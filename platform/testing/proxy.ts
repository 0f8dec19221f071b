import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** The number of characters that are kept of what a client has sent, at least. */
const SAID_KEPT = 2 ** 20;

/**
 * The point at which a proxied connection stops: when this side sends a matching chunk. `said` is what the client has
 * sent before.
 */
export interface StoppingPoint {
  readonly from: 'client' | 'server';
  isReached(chunk: string, said: string): boolean;
  /** The proxy also hides the closing of the connection, like a failed machine or network. */
  readonly hidesClose?: boolean;
}

export type TestProxy = Awaited<ReturnType<typeof createProxy>>;

/** A connection of a client, and the connection to the server that belongs to it. */
interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  said: string;
  /** No data passes any more. */
  isStopped: boolean;
  hidesClose: boolean;
}

/**
 * Starts a TCP proxy for tests. It can close its connections and refuse new ones, like a server that is down. It can
 * delay all data or hold it back, like a slow or hanging server. It can also stop one connection or all of them for
 * good, so that each side sees the other as silent.
 */
export async function createProxy(target: string) {
  const url = new URL(target);
  let [host, port] = [url.hostname, Number(url.port)];
  const pairs = new Set<Pair>();
  let isOpen = true;
  let isHanging = false;
  let delayMs = 0;
  let refused = 0;
  let accepted = 0;
  let point: (StoppingPoint & { reach(): void }) | undefined;
  let listen: ((chunk: string) => void) | undefined;

  const server = createServer((client) => {
    if (!isOpen) {
      refused += 1;
      client.destroy();
      return;
    }
    accepted += 1;
    const pair: Pair = { client, upstream: connect(port, host), said: '', isStopped: false, hidesClose: false };
    pairs.add(pair);
    forward(pair, 'client');
    forward(pair, 'server');
  });

  /** Forwards the data from one side of a pair to the other side. */
  function forward(pair: Pair, from: StoppingPoint['from']): void {
    const [one, other] = from === 'client' ? [pair.client, pair.upstream] : [pair.upstream, pair.client];
    /** Keeps the order of delayed data. Undefined while nothing is delayed. */
    let delayed: Promise<void> | undefined;

    function pass(bytes: Buffer): void {
      if (!pair.isStopped && !other.write(bytes)) one.pause();
    }
    function later(work: () => unknown): void {
      if (delayed === undefined && delayMs === 0) {
        work();
        return;
      }
      const dueAtMs = performance.now() + delayMs;
      const mine = (delayed ?? Promise.resolve())
        .then(() => delay(Math.max(0, dueAtMs - performance.now()), undefined, { ref: false }))
        .then(work)
        .then(() => {
          if (delayed === mine) delayed = undefined;
        });
      delayed = mine;
    }

    one.on('data', (bytes: Buffer) => {
      const chunk = bytes.toString('latin1');
      if (!pair.isStopped && point?.from === from && point.isReached(chunk, pair.said)) {
        pair.isStopped = true;
        pair.hidesClose = point.hidesClose ?? false;
        point.reach();
        point = undefined;
      }
      if (from === 'client') {
        pair.said += chunk;
        if (pair.said.length > 2 * SAID_KEPT) pair.said = pair.said.slice(-SAID_KEPT);
        listen?.(chunk);
      }
      later(() => pass(bytes));
    });
    other.on('drain', () => isHanging || one.resume());
    one.on('end', () => later(() => pair.hidesClose || other.end()));
    one.on('error', () => pair.hidesClose || other.destroy());
    one.on('close', () => {
      if (!pair.hidesClose) later(() => other.destroy());
      if (pair.client.destroyed && pair.upstream.destroyed) pairs.delete(pair);
    });
    if (isHanging) one.pause();
  }

  const sockets = () => [...pairs].flatMap(({ client, upstream }) => [client, upstream]);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address === 'object' && address !== null) url.port = String(address.port);
  /** Closes all connections, or resets them as the kernel does when a process with unread data is killed. */
  const cut = (how: 'close' | 'reset' = 'close') => {
    isOpen = false;
    for (const socket of sockets()) how === 'reset' ? socket.resetAndDestroy() : socket.destroy();
  };
  return {
    url: url.href,
    /** Stops the first connection that reaches the point; resolves when it is reached. */
    stopAt: (where: StoppingPoint) =>
      new Promise<void>((reach) => {
        point = { ...where, reach };
      }),
    cut,
    /** Delays all data by this time, in each direction. */
    slow(ms: number) {
      delayMs = ms;
    },
    /** Holds back all data, also of new connections, until `restore`. */
    hang() {
      isHanging = true;
      for (const socket of sockets()) socket.pause();
    },
    /** Stops the present connections for good and hides their closing. New connections work. */
    abandon() {
      for (const pair of pairs) Object.assign(pair, { isStopped: true, hidesClose: true });
    },
    /** Connects new connections to another server. */
    setTarget(other: string) {
      ({ hostname: host } = new URL(other));
      port = Number(new URL(other).port);
    },
    /** Calls a function with all data that clients send. */
    onClientData(listener: (chunk: string) => void) {
      listen = listener;
    },
    /** How many connections it has refused so far. */
    refusedCount: () => refused,
    /** How many connections it has accepted so far. */
    acceptedCount: () => accepted,
    /** Ends `cut`, `slow` and `hang`. Data that was held back passes now. */
    restore() {
      [isOpen, isHanging, delayMs] = [true, false, 0];
      for (const socket of sockets()) socket.resume();
    },
    close() {
      cut();
      server.close();
    },
  };
}
